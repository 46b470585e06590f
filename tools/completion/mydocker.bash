# bash completion for mydocker. The tables are made from the program's own by tools/gen-completion.

@TABLES@

# Joins what readline has split at '=' and ':' within words, up to the cursor.
__mydocker_join() {
	local line=${COMP_LINE:0:COMP_POINT} i rest
	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		rest=${line#"${line%%[![:space:]]*}"}
		if ((i > 0)) && [ "$rest" = "$line" ]; then
			words[${#words[@]} - 1]+=${COMP_WORDS[i]}
		else
			words+=("${COMP_WORDS[i]}")
		fi
		line=${rest#"${COMP_WORDS[i]}"}
	done
}

# Offers those of the words that the current one, BEFORE and CURRENT together, begins. Readline replaces only what follows the last
# '=' or ':', if it splits there. A word that ends with one of these or a comma goes on.
__mydocker_offer() { # BEFORE CURRENT WORD...
	local before=$1 cur=$2 word tail=$1$2 start
	case $COMP_WORDBREAKS in *:*) tail=${tail##*:} ;; esac
	case $COMP_WORDBREAKS in *=*) tail=${tail##*=} ;; esac
	start=$((${#before} + ${#cur} - ${#tail}))
	shift 2
	for word; do
		[ "${word:0:${#cur}}" = "$cur" ] || continue
		word=$before$word
		COMPREPLY+=("${word:start}")
		case $word in *[=:,]) compopt -o nospace ;; esac
	done
}

# The directory of --rootfs, when one was given that is not the host's own tree.
__mydocker_root() {
	local dir=${rootfs%%,*}
	dir=${dir%:O} dir=${dir%:idmap*}
	case $dir in '~/'*) dir=$HOME/${dir#'~/'} ;; esac
	[ -d "$dir" ] && [ "$(cd -- "$dir" && pwd -P)" != / ] && printf '%s\n' "${dir%/}"
}

# Names of an account file of the root, or of the host. A root may hold anything: only plain names are offered.
__mydocker_names() { # passwd|group
	local dir name rest
	dir=$(__mydocker_root)
	while IFS=: read -r name rest; do
		[[ $name =~ ^[A-Za-z0-9_][A-Za-z0-9._-]*$ ]] && printf '%s\n' "$name"
	done 2>/dev/null <"$dir/etc/$1"
}

# Programs in the root; on the host those of PATH.
__mydocker_programs() { # CURRENT
	local dir file
	dir=$(__mydocker_root)
	if [ -z "$dir" ]; then
		compgen -c -- "$1"
		return
	fi
	case $1 in
	/*) for file in "$dir$1"*; do [ -d "$file" ] && file+=/; printf '%s\n' "${file#"$dir"}"; done ;;
	*) for file in "$dir"/{,usr/}{,local/}{,s}bin/"$1"*; do printf '%s\n' "${file##*/}"; done ;;
	esac
}

__mydocker_complete_value() { # BEFORE CURRENT
	local before=$1 cur=$2 kind=${value#attached } head
	case $kind in
	words\ *) __mydocker_offer "$before" "$cur" ${kind#words } ;;
	file) compopt -o default ;;
	directory) compopt -o dirnames ;;
	group) __mydocker_offer "$before" "$cur" $(__mydocker_names group) ;;
	variable) __mydocker_offer "$before" "$cur" $(compgen -e) ;;
	program) __mydocker_offer "$before" "$cur" $(__mydocker_programs "$cur" | grep -x '[A-Za-z0-9_./+-]*' | sort -u) ;;
	user)
		case $cur in
		*:*) __mydocker_offer "$before" "$cur" $(__mydocker_names group | sed "s/^/${cur%%:*}:/") ;;
		*) __mydocker_offer "$before" "$cur" $(__mydocker_names passwd) ;;
		esac ;;
	zone) __mydocker_offer "$before" "$cur" local UTC $(grep -sv '^#' /usr/share/zoneinfo/zone1970.tab | cut -f 3) ;;
	device)
		case $cur in
		*:*) ;;
		*) compopt -o default -o nospace ;;
		esac ;;
	volume)
		case $cur in
		*:*:*)
			head=${cur%"${cur##*[:,]}"}
			__mydocker_offer "$before" "$cur" $(printf "${head//%/%%}%s\n" $__mydocker_volume_options) ;;
		*:*) ;;
		*) compopt -o default -o nospace ;;
		esac ;;
	esac
}

# Looks at an option that stands before the current word. skip: it takes the next word.
__mydocker_skip() { # WORD
	local letter rest=${1#-} long value
	skip=
	case $1 in
	--rootfs=*) rootfs=${1#*=} ;;
	--*=*) ;;
	--*)
		__mydocker_value "$command $1"
		option=$1 skip=$value ;;
	*)
		while [ -n "$rest" ]; do
			letter=${rest:0:1} rest=${rest:1}
			__mydocker_long "$command -$letter"
			__mydocker_value "$command $long"
			[ -z "$value" ] && continue
			[ -n "$rest" ] || option=$long skip=$value
			return
		done ;;
	esac
	case $skip in attached*) skip= ;; esac
}

# Takes the command, which may be two words. Sets command when it is one of ours.
__mydocker_take_command() {
	local alias
	command=${words[index]}
	case " $__mydocker_families " in *" $command "*) ;; *) return ;; esac
	if ((index + 1 < last)); then
		((index++))
		__mydocker_alias "$command ${words[index]}"
		command=${alias:-none}
	fi
}

__mydocker() {
	local words option skip value options arguments alias rootfs= command= index=1 last cur first=
	COMPREPLY=()
	__mydocker_join
	last=$((${#words[@]} - 1))
	cur=${words[last]}
	for (( ; index < last; index++)); do
		case ${words[index]} in
		--) first=$((index + 1)) ;;
		-?*)
			__mydocker_skip "${words[index]}"
			[ -n "$skip" ] || continue
			((++index))
			[ "$option" != --rootfs ] || rootfs=${words[index]}
			if ((index == last)); then
				value=$skip
				__mydocker_complete_value '' "$cur"
				return
			fi ;;
		*)
			__mydocker_arguments "$command"
			case "$command $arguments" in
			' '*) __mydocker_take_command ;;
			*' verb stops') __mydocker_take_command ;;
			*) first=$index ;;
			esac ;;
		esac
		[ -z "$first" ] || break
	done

	__mydocker_arguments "$command"
	if [ -n "$first" ] && ((last > first)); then
		[ "$arguments" != 'command stops' ] || compopt -o default
		return
	fi
	case $cur in
	--*=*)
		__mydocker_value "$command ${cur%%=*}"
		__mydocker_complete_value "${cur%%=*}=" "${cur#*=}"
		return ;;
	-*)
		[ -n "$first" ] && return
		__mydocker_options "$command"
		__mydocker_offer '' "$cur" $options
		return ;;
	esac
	case "$command $arguments" in
	' '* | *verb*) __mydocker_offer '' "$cur" $__mydocker_commands ;;
	*' command stops') __mydocker_offer '' "$cur" $(__mydocker_programs "$cur" | grep -x '[A-Za-z0-9_./+-]*' | sort -u) ;;
	*)
		case " $__mydocker_families " in
		*" $command "*) __mydocker_families_of "$cur" ;;
		esac ;;
	esac
}

# The second word of a command of two.
__mydocker_families_of() { # CURRENT
	local word alias
	for word in $__mydocker_commands; do
		__mydocker_alias "$command $word"
		[ -z "$alias" ] || __mydocker_offer '' "$1" "$word"
	done
}

complete -F __mydocker mydocker
