# fish completion for mydocker. The tables are made from the program's own by tools/gen-completion.

# Where the cursor stands: "command" (none yet), "family NAME" (the first of a command's two words), "option COMMAND" (its first argument is
# still to come), "arguments COMMAND".
function __mydocker_where
	set -l words (commandline -opc)[2..-1]
	set -l command ''
	set -l family ''
	set -l skip 0
	for word in $words
		if test $skip = 1
			set skip 0
			continue
		end
		switch "$word"
			case --
				echo arguments $command
				return
			case '-?*'
				if string match -qr '^-[^-]' -- $word
					set word -(string sub -s -1 -- $word) # the last letter of a cluster
				end
				__mydocker_takes_word "$command" $word
				and set skip 1
			case '*'
				if test -z "$command$family"; and contains -- $word $__mydocker_families
					set family $word
				else if test -n "$family"
					set command (__mydocker_alias $family $word)
					set family ''
					test -n "$command"
					or set command none
				else if test -z "$command"; or test $command = explain
					set command $word
				else
					echo arguments $command
					return
				end
		end
	end
	if test -n "$family"
		echo family $family
	else if test -n "$command"
		echo option $command
	else
		echo command
	end
end

function __mydocker_at
	test (__mydocker_where) = "$argv"
end

# Whether arguments of this kind come next.
function __mydocker_wants # command|verb|none
	set -l where (__mydocker_where | string split ' ')
	test "$where[1]" = option
	and test (__mydocker_arguments $where[2]) = $argv[1]
end

# The directory of --rootfs, when one was given that is not the host's own tree.
function __mydocker_root
	set -l words (commandline -opc)
	for i in (seq (count $words))
		set -l dir
		switch $words[$i]
			case --rootfs
				set dir $words[(math $i + 1)]
			case '--rootfs=*'
				set dir (string replace -- --rootfs= '' $words[$i])
		end
		set dir (string replace -r '(:O|:idmap[^:]*)?(,.*)?$' '' -- "$dir")
		if test -n "$dir"; and test -d $dir; and test (realpath $dir) != /
			realpath $dir
		end
	end
end

# Names of an account file of the root, or of the host.
function __mydocker_names # passwd|group
	set -l root (__mydocker_root)
	string replace -r ':.*' '' <$root/etc/$argv[1]
end

function __mydocker_groups
	__mydocker_names group
end

function __mydocker_users
	set -l user (string match -r '^[^:]*:' -- (commandline -ct | string replace -r '^(--user=|-u)' ''))
	if test -n "$user"
		printf "$user%s\n" (__mydocker_names group)
	else
		__mydocker_names passwd
	end
end

function __mydocker_zones
	printf '%s\n' local UTC
	test -r /usr/share/zoneinfo/zone1970.tab
	and string replace -rf '^[^#\t]+\t[^\t]+\t([^\t]+).*' '$1' </usr/share/zoneinfo/zone1970.tab
end

function __mydocker_volumes
	set -l token (commandline -ct | string replace -r '^(--volume=|-v)' '')
	set -l head (string match -r '^.*:.*:(?:.*,)?' -- $token)
	if test -n "$head"
		for option in $__mydocker_volume_options
			echo $head$option
		end
	else if not string match -q '*:*' -- $token
		__fish_complete_path $token
	end
end

# Programs in the root; on the host those of PATH.
function __mydocker_programs
	set -l root (__mydocker_root)
	if test -z "$root"
		for dir in $PATH
			set -l files $dir/*
			string replace -r '.*/' '' -- $files
		end
		return
	end
	for dir in $root/{,usr/}{,local/}{,s}bin
		set -l files $dir/*
		string replace -r '.*/' '' -- $files
	end
end

@TABLES@

complete -c mydocker -n '__mydocker_wants command' -f -a '(__mydocker_programs)'
complete -c mydocker -n '__mydocker_wants none' -f
