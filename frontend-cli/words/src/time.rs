//! Dates and durations as people read them.

use market::Timestamp;

/// Formats a number of seconds in its two largest units.
#[must_use]
pub fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Formats a point in time as a date in UTC.
#[must_use]
pub fn date(moment: Timestamp) -> String {
    let seconds = i64::try_from(moment.0).ok();
    let date = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    date.map_or_else(
        || format!("{} s after 1970", moment.0),
        |date| date.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}
