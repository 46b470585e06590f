#include "cli/ago.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	MINUTE = 60,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
	WEEK = 7 * DAY,
	MONTH = 30 * DAY,
	YEAR = 365 * DAY
};

/* "Z", "+02:00" or "-02:00" */
static int zone_parse(const char *text, int64_t *ret)
{
	int hours, minutes;
	char sign, end;
	if ((text[0] == 'Z' || text[0] == 'z') && !text[1]) {
		*ret = 0;
		return 0;
	}
	if (sscanf(text, "%c%2d:%2d%c", &sign, &hours, &minutes, &end) != 3 ||
	    (sign != '+' && sign != '-'))
		return -EINVAL;
	*ret = (sign == '+' ? 1 : -1) * (int64_t)(hours * HOUR + minutes * MINUTE);
	return 0;
}

int ago_parse(const char *text, int64_t *ret)
{
	struct tm t = { 0 };
	int64_t zone;
	const char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &t);
	if (!at)
		return -EINVAL;
	if (*at == '.')
		at += 1 + strspn(at + 1, "0123456789");
	if (zone_parse(at, &zone) < 0)
		return -EINVAL;
	*ret = (int64_t)timegm(&t) - zone;
	return 0;
}

const char *ago_text(Arena *a, const char *created, int64_t now)
{
	int64_t then;
	if (ago_parse(created, &then) < 0)
		return "N/A";
	long long s = now > then ? now - then : 0;
	long long hours = (s + HOUR / 2) / HOUR;
	if (s < 1)
		return "Less than a second ago";
	if (s == 1)
		return "1 second ago";
	if (s < MINUTE)
		return arena_printf(a, "%lld seconds ago", s);
	if (s < 2 * MINUTE)
		return "About a minute ago";
	if (s < HOUR)
		return arena_printf(a, "%lld minutes ago", s / MINUTE);
	if (hours <= 1)
		return "About an hour ago";
	if (hours < 48)
		return arena_printf(a, "%lld hours ago", hours);
	if (hours < 24 * 7 * 2)
		return arena_printf(a, "%lld days ago", hours / 24);
	if (hours < 24 * 30 * 2)
		return arena_printf(a, "%lld weeks ago", hours / 24 / 7);
	if (hours < 24 * 365 * 2)
		return arena_printf(a, "%lld months ago", hours / 24 / 30);
	return arena_printf(a, "%lld years ago", s / YEAR);
}
