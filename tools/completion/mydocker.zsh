#compdef mydocker
# zsh completion for mydocker. The tables are made from the program's own by tools/gen-completion.

@TABLES@

# Words to choose from; one that ends with '=', ':' or ',' goes on.
_mydocker_words() {
	local expl
	local -a whole open
	whole=(${@:#*[=:,]})
	open=(${(M)@:#*[=:,]})
	(( $#whole )) && _wanted values expl value compadd -a whole
	(( $#open )) && _wanted values expl value compadd -S '' -a open
}

# The directory of --rootfs, when one was given.
_mydocker_root() {
	local dir=${opt_args[--rootfs]//\\:/:} # _arguments escapes the colon
	dir=${${${dir%%,*}%:O}%:idmap*}
	dir=${~dir}
	[[ -d $dir && ${dir:A} != / ]] && print -r -- ${dir:A}
}

# Names of an account file of the root, or of the host.
_mydocker_names() { # passwd|group, arguments of compadd
	local expl file=$(_mydocker_root)/etc/$1
	local -a names
	[[ -r $file ]] && names=(${${(f)"$(<$file)"}%%:*})
	_wanted $1 expl $1 compadd ${@[2,-1]} -a names
}

_mydocker_groups() {
	_mydocker_names group
}

_mydocker_users() {
	if compset -P '*:'; then
		_mydocker_names group
	else
		_mydocker_names passwd
	fi
}

_mydocker_variables() {
	local expl
	_wanted variables expl variable compadd - ${(k)parameters[(R)*export*]}
}

_mydocker_zones() {
	local file=/usr/share/zoneinfo/zone1970.tab # codes, coordinates, zone
	local -a lines
	[[ -r $file ]] && lines=(${(M)${(f)"$(<$file)"}:#[^#]*})
	_mydocker_words local UTC ${${lines#*$'\t'*$'\t'}%%$'\t'*}
}

_mydocker_volumes() {
	if compset -P '*:*:'; then
		compset -P '*,'
		_mydocker_words $_mydocker_volume_options
	elif compset -P '*:'; then
		_message 'path inside'
	else
		_files -S :
	fi
}

# Programs in the root; on the host those of PATH.
_mydocker_programs() {
	local expl root=$(_mydocker_root)
	local -a files
	if [[ -z $root ]]; then
		_command_names -e
	elif [[ $PREFIX == /* ]]; then
		_path_files -W $root -P /
	else
		files=($root/{,usr/}{,local/}{,s}bin/*(N:t))
		_wanted commands expl program compadd -a files
	fi
}

_mydocker_command() {
	_describe -t commands command _mydocker_commands
}

# What follows the command's name, which is words[1].
_mydocker_inside() {
	local command=$words[1] arguments state ret=1
	local -a options families
	families=(${${(k)_mydocker_aliases}%% *})
	if (( $families[(Ie)$command] )); then
		if (( CURRENT == 2 )); then
			_mydocker_words ${${(M)${(k)_mydocker_aliases}:#$command *}#* }
			return
		fi
		command=${_mydocker_aliases[$command $words[2]]}
		shift words
		(( CURRENT-- ))
	fi
	(( $+functions[_mydocker_options_$command] )) || return 1
	_mydocker_options_$command
	_mydocker_arguments $command
	case $arguments in
	command) options+=('(-):program:_mydocker_programs' '(-)*:: :_normal') ;;
	verb) options+=('(-): :_mydocker_command' '(-)*:: :->inside') ;;
	esac
	_arguments -C -s -S : $options && ret=0
	if [[ $state == inside && $command != help ]]; then
		_mydocker_inside && ret=0
	fi
	return ret
}

_mydocker() {
	local curcontext=$curcontext state line ret=1
	local -a options
	typeset -A opt_args
	_mydocker_options_before
	_arguments -C -s -S : $options '(-): :_mydocker_command' '(-)*:: :->inside' && ret=0
	if [[ $state == inside ]]; then
		_mydocker_inside && ret=0
	fi
	return ret
}

_mydocker "$@"
