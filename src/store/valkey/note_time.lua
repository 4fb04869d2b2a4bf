-- Notes what the clock says, and who asked; and its mark where that is not empty. The arguments: who, and the mark.
call('HSET', clock, 'said', text(now_ms), 'by', ARGV[1])
if ARGV[2] ~= '' then
  call('HSET', clock, 'mark', ARGV[2])
end
return 1
