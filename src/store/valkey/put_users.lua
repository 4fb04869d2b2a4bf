-- Puts users in the place of those of the same names, two arguments each: name and row.
for at = 1, #ARGV, 2 do
  put_user(ARGV[at], ARGV[at + 1])
end
return 1
