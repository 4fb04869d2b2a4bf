-- Notes what was forgotten. The arguments: until when, up to which revision.
put_forgotten(tonumber(ARGV[1]), tonumber(ARGV[2]))
return 1
