//! Labels as classes counted from zero, with the names that they had.

use std::collections::BTreeMap;

use crate::{
    location::Location,
    options::Options,
    refused::ReadRefused,
    table::{Values, whole},
};

/// The most classes a dataset may distinguish.
const CLASSES: usize = eval::limits::CLASSES as usize;

/// A label column.
pub(crate) struct Label<'a> {
    /// How sentences call it.
    pub(crate) called: String,
    /// Its values.
    pub(crate) values: &'a Values,
    /// The location of a row's label.
    pub(crate) location: &'a dyn Fn(usize) -> Location,
}

/// Rows as classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Classes {
    /// The class of each row.
    pub(crate) of_rows: Vec<u8>,
    /// The name of each class.
    pub(crate) names: Vec<String>,
}

impl Label<'_> {
    /// The labels as classes: those listed, or else whole numbers from 0 as they are, and other
    /// values in their order.
    ///
    /// - Errors: a label is missing or not a class; which classes there are is not clear
    pub(crate) fn classes(&self, options: &Options) -> Result<Classes, ReadRefused> {
        self.require_all()?;
        if !options.classes.is_empty() {
            return self.listed(&options.classes);
        }
        let numbers = self.values.whole();
        match (self.values, numbers) {
            (Values::Numbers(_), Some(numbers)) => self.counted(&numbers),
            (Values::Numbers(numbers), None) => {
                let odd = numbers.iter().find(|number| whole(**number).is_none());
                let text = odd.map(f64::to_string).unwrap_or_default();
                Err(ReadRefused::NotClasses { column: self.called.clone(), text })
            }
            (Values::Text(texts), _) => self.named(texts),
        }
    }

    /// The labels as numbers.
    ///
    /// - Errors: a label is missing or not a number of 32 bits
    pub(crate) fn targets(&self) -> Result<Vec<f32>, ReadRefused> {
        self.require_all()?;
        let refused = |row: usize, text: String| ReadRefused::Cell {
            location: (self.location)(row),
            text,
            expected: "a number, which a target must be",
        };
        let Values::Numbers(numbers) = self.values else {
            let texts = self.values.texts();
            let odd = texts.iter().position(|text| text.parse::<f64>().is_err()).unwrap_or(0);
            return Err(refused(odd, texts.get(odd).cloned().unwrap_or_default()));
        };
        let single = |(row, number): (usize, &f64)| {
            single(*number).ok_or_else(|| refused(row, number.to_string()))
        };
        numbers.iter().enumerate().map(single).collect()
    }

    fn require_all(&self) -> Result<(), ReadRefused> {
        let missing = (0..self.values.len()).find(|row| self.values.is_missing(*row));
        missing
            .map_or(Ok(()), |row| Err(ReadRefused::MissingLabel { location: (self.location)(row) }))
    }

    /// Classes that were listed, in that order; `1`, `1.0` and `01` are one number.
    fn listed(&self, names: &[String]) -> Result<Classes, ReadRefused> {
        let mut index = BTreeMap::new();
        for (class, name) in names.iter().enumerate() {
            let class = u8::try_from(class).map_err(|_| ReadRefused::ClassList)?;
            if index.insert(key(name), class).is_some() {
                return Err(ReadRefused::ClassList);
            }
        }
        if names.len() < 2 {
            return Err(ReadRefused::ClassList);
        }
        let class = |(row, text): (usize, String)| {
            index.get(&key(&text)).copied().ok_or_else(|| ReadRefused::UnknownClass {
                location: (self.location)(row),
                text,
                known: names.join(","),
            })
        };
        let of_rows = self.values.texts().into_iter().enumerate().map(class);
        Ok(Classes { of_rows: of_rows.collect::<Result<_, _>>()?, names: names.to_vec() })
    }

    /// Classes that are whole numbers.
    fn counted(&self, numbers: &[i64]) -> Result<Classes, ReadRefused> {
        let mut different = numbers.to_vec();
        different.sort_unstable();
        different.dedup();
        let found = different.len();
        let (Some(&first), Some(&last)) = (different.first(), different.last()) else {
            return Err(ReadRefused::Empty { has_header: false });
        };
        if found > CLASSES {
            return Err(self.too_many(found));
        }
        let list = || different.iter().map(i64::to_string).collect::<Vec<_>>();
        // As they are, if at most half of the classes up to the last have no rows.
        let up_to_last = usize::try_from(last).unwrap_or(usize::MAX).saturating_add(1);
        if first == 0 && up_to_last <= CLASSES && up_to_last <= found * 2 {
            let of_rows = numbers.iter().filter_map(|number| u8::try_from(*number).ok()).collect();
            let names = (0..up_to_last.max(2)).map(|class| class.to_string()).collect();
            return Ok(Classes { of_rows, names });
        }
        // Below zero nothing can be counted from zero: these are signs, and names like others.
        if first < 0 && found > 1 {
            return self.listed(&list());
        }
        Err(ReadRefused::ClassesUnclear { column: self.called.clone(), found: list().join(",") })
    }

    /// Classes that are words, in alphabetical order.
    fn named(&self, texts: &[String]) -> Result<Classes, ReadRefused> {
        let numbers = texts.iter().filter(|text| text.parse::<f64>().is_ok()).count();
        if numbers * 2 > texts.len() {
            let odd = texts.iter().position(|text| text.parse::<f64>().is_err()).unwrap_or(0);
            let (location, text) =
                ((self.location)(odd), texts.get(odd).cloned().unwrap_or_default());
            return Err(ReadRefused::Cell { location, text, expected: "a class like the others" });
        }
        let mut names = texts.to_vec();
        names.sort();
        names.dedup();
        if names.len() > CLASSES || names.len() > 20 && names.len() * 2 > texts.len() {
            return Err(self.too_many(names.len()));
        }
        let mut lower: Vec<_> = names.iter().map(|name| (name.to_lowercase(), name)).collect();
        lower.sort();
        if let Some([(_, one), (_, other)]) = lower.array_windows().find(|[a, b]| a.0 == b.0) {
            let (one, other) = ((*one).clone(), (*other).clone());
            return Err(ReadRefused::ClassesAlike { column: self.called.clone(), one, other });
        }
        if names.len() == 1 {
            let found = names.concat();
            return Err(ReadRefused::ClassesUnclear { column: self.called.clone(), found });
        }
        self.listed(&names)
    }

    fn too_many(&self, found: usize) -> ReadRefused {
        ReadRefused::TooManyClasses { column: self.called.clone(), found, limit: CLASSES }
    }
}

/// What makes two labels one class: equal numbers, or equal texts.
fn key(text: &str) -> String {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => (number + 0.0).to_string(),
        _ => text.to_owned(),
    }
}

/// A number of 32 bits, if it is not beyond them.
pub(crate) fn single(number: f64) -> Option<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "rounding is meant")]
    let single = number as f32;
    single.is_finite().then_some(single)
}
