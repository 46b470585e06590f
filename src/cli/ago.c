#include "cli/ago.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"

enum {
	MINUTE = 60,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
	WEEK = 7 * DAY,
	MONTH = 30 * DAY,
	YEAR = 365 * DAY
};

/* Reads so many digits and what stands behind them (NUL: anything), and goes on. */
static int digits_take(const char **at, unsigned count, char behind, int *ret)
{
	int n = 0;
	for (unsigned i = 0; i < count; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return -EINVAL;
		n = 10 * n + (**at - '0');
	}
	if (behind && *(*at)++ != behind)
		return -EINVAL;
	*ret = n;
	return 0;
}

/* Days from 1970-01-01 by the Gregorian calendar; years that begin in March have their odd day at the end. */
static int64_t days_of(int year, int month, int day)
{
	int y = month > 2 ? year : year - 1, m = (month + 9) % 12;
	return 365LL * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* "Z", "+02:00" or "-02:00" */
static int zone_take(const char *at, int64_t *ret)
{
	int hours, minutes, sign = *at == '-' ? -1 : 1;
	if ((*at == 'Z' || *at == 'z') && !at[1]) {
		*ret = 0;
		return 0;
	}
	if (*at != '+' && *at != '-')
		return -EINVAL;
	at++;
	TRY(digits_take(&at, 2, ':', &hours));
	TRY(digits_take(&at, 2, '\0', &minutes));
	*ret = sign * (int64_t)(hours * HOUR + minutes * MINUTE);
	return *at ? -EINVAL : 0;
}

int ago_parse(const char *text, int64_t *ret)
{
	int year, month, day, hour, minute, second;
	int64_t zone;
	TRY(digits_take(&text, 4, '-', &year));
	TRY(digits_take(&text, 2, '-', &month));
	TRY(digits_take(&text, 2, 'T', &day));
	TRY(digits_take(&text, 2, ':', &hour));
	TRY(digits_take(&text, 2, ':', &minute));
	TRY(digits_take(&text, 2, '\0', &second));
	if (month < 1 || month > 12 || day < 1 || day > 31)
		return -EINVAL;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	TRY(zone_take(text, &zone));
	*ret = days_of(year, month, day) * DAY + (int64_t)hour * HOUR + (int64_t)minute * MINUTE +
	       second - zone;
	return 0;
}

const char *ago_text(Arena *a, const char *created, int64_t now)
{
	int64_t then;
	if (ago_parse(created, &then) < 0)
		return "N/A";
	long long s = now > then ? now - then : 0;
	long long hours = (s + HOUR / 2) / HOUR, days = hours / 24;
	if (s < 1)
		return "Less than a second ago";
	if (s == 1)
		return "1 second ago";
	if (s < MINUTE)
		return arena_printf(a, "%lld seconds ago", s);
	if (s < 2LL * MINUTE)
		return "About a minute ago";
	if (s < HOUR)
		return arena_printf(a, "%lld minutes ago", s / MINUTE);
	if (hours <= 1)
		return "About an hour ago";
	if (hours < 48)
		return arena_printf(a, "%lld hours ago", hours);
	if (days < 14)
		return arena_printf(a, "%lld days ago", days);
	if (days < 60)
		return arena_printf(a, "%lld weeks ago", days / 7);
	if (days < 730)
		return arena_printf(a, "%lld months ago", days / 30);
	return arena_printf(a, "%lld years ago", s / YEAR);
}
