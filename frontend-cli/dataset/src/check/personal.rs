//! Columns that look like what tells who a person is.

use crate::{
    roles,
    table::{Table, Values},
};

/// A sentence for each column that looks like names, numbers of persons, dates of birth or
/// addresses: a hold-out becomes public.
pub(super) fn warnings(table: &Table) -> Vec<String> {
    let sentence = |at: usize| {
        let what = looks_like(table, at)?;
        Some(format!(
            "{} looks like {what}, and a hold-out becomes public: leave it out with --drop {}",
            table.called(at),
            table.option(at)
        ))
    };
    (0..table.columns.len()).filter_map(sentence).collect()
}

fn looks_like(table: &Table, at: usize) -> Option<&'static str> {
    let column = table.columns.get(at)?;
    let name = column.name.as_deref().unwrap_or_default().to_lowercase();
    let words: Vec<&str> = name.split(|part: char| !part.is_alphanumeric()).collect();
    let has =
        |known: &[&str]| {
            known.iter().any(|known| {
                if known.len() < 5 { words.contains(known) } else { name.contains(known) }
            })
        };
    let texts = match &column.values {
        Values::Text(texts) => texts.as_slice(),
        Values::Numbers(_) => &[],
    };
    let most = |is: &dyn Fn(&str) -> bool| {
        let filled = texts.iter().filter(|text| !text.is_empty());
        let all = filled.clone().count();
        all > 0 && filled.filter(|text| is(text)).count() * 2 > all
    };
    if most(&is_email) || has(&["email", "e-mail", "mail"]) {
        return Some("e-mail addresses");
    }
    if has(&["birth", "dob", "geburt", "naissance", "nacimiento"]) {
        return Some("dates of birth");
    }
    if has(&["surname", "firstname", "lastname", "forename", "vorname", "nachname", "fullname"])
        || !texts.is_empty() && words.contains(&"name")
        || most(&is_full_name) && roles::is_different(&column.values)
    {
        return Some("names of persons");
    }
    if has(&["phone", "mobile", "address", "street", "postcode", "zipcode", "tel"]) {
        return Some("addresses or telephone numbers");
    }
    let numbers =
        ["ssn", "passport", "patient", "insurance", "social", "mrn", "nhs", "iban", "person"];
    if has(&numbers) && roles::is_different(&column.values) || most(&is_social_number) {
        return Some("numbers of persons");
    }
    if roles::is_identifier(table, at) && is_long(&column.values) {
        return Some("numbers of persons");
    }
    most(&is_date).then_some("dates, which may tell who a person is")
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !text.contains(char::is_whitespace)
    })
}

/// Two or three words with capitals, and letters only.
fn is_full_name(text: &str) -> bool {
    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let is_word = |word: &&str| {
        word.starts_with(char::is_uppercase)
            && word.chars().all(|part| part.is_alphabetic() || "-.'".contains(part))
    };
    (2..=3).contains(&words.len()) && words.iter().all(is_word)
}

/// Digits in groups of three, two and four.
fn is_social_number(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let is_digits = |group: &&str| group.bytes().all(|byte| byte.is_ascii_digit());
    groups.iter().map(|group| group.len()).eq([3, 2, 4]) && groups.iter().all(is_digits)
}

/// Three groups of digits, one of them a year.
fn is_date(text: &str) -> bool {
    let date = text.split([' ', 'T']).next().unwrap_or_default();
    let groups: Vec<&str> = date.split(['-', '/', '.']).collect();
    let is_digits =
        |group: &&str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let has_year = groups.iter().any(|group| group.len() == 4);
    groups.len() == 3 && groups.iter().all(is_digits) && has_year
}

/// Different numbers of six digits and more, or different texts.
fn is_long(values: &Values) -> bool {
    let numbers = values.whole().unwrap_or_default();
    let is_long = numbers.iter().all(|number| number.unsigned_abs() > 99_999);
    is_long && roles::is_different(values)
}
