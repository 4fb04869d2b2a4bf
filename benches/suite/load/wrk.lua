-- What wrk counted, on one line. Nothing is done for a single request.
function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format("counted %d %d %d %d %d %d\n", summary.requests, summary.duration, summary.bytes,
        errors.connect + errors.read + errors.write, errors.timeout, errors.status))
end
