//! Tables of text.

use std::io::Write as _;

use dataset::{Decimal, Header, Impute, LabelKind, Options};
use eval::Labels;

use super::*;

const NAMES: &str = "a,b,c,label";

/// The lines of the table with another cell before each.
fn with_column(header: &str, cell: impl Fn(usize) -> String) -> String {
    let text = table(header, ",", plain);
    let lines = text.lines().enumerate();
    lines.map(|(at, line)| format!("{},{line}\n", cell(at))).collect()
}

#[test]
fn every_separator_encoding_and_line_end_is_read() {
    let comma = table(NAMES, ",", plain);
    let utf_16 = |to: fn(u16) -> [u8; 2], mark: &str| {
        format!("{mark}{comma}").encode_utf16().flat_map(to).collect::<Vec<u8>>()
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(comma.as_bytes()).unwrap();
    let quoted: String = comma
        .lines()
        .map(|line| {
            line.split(',').map(|cell| format!("\"{cell}\"")).collect::<Vec<_>>().join(",") + "\n"
        })
        .collect();
    let german = table("a;b;c;label", ";", plain).replace('.', ",");
    let cases: [(&str, Vec<u8>); 22] = [
        ("plain.csv", comma.clone().into()),
        ("no header.csv", table("", ",", plain).into()),
        ("tab.tsv", table("a\tb\tc\tlabel", "\t", plain).into()),
        ("semicolon.csv", table("a;b;c;label", ";", plain).into()),
        ("bar.csv", table("a|b|c|label", "|", plain).into()),
        ("spaces.txt", table("a b  c label", "   ", plain).into()),
        ("spaces, no header.data", table("", " ", plain).into()),
        ("decimal comma.csv", german.clone().into()),
        ("decimal comma, tabs.csv", german.replace(';', "\t").into()),
        ("stated separator.csv", format!("sep=;\n{german}").into()),
        ("quoted.csv", quoted.into()),
        ("crlf.csv", comma.replace('\n', "\r\n").into()),
        ("cr.csv", comma.replace('\n', "\r").into()),
        ("no last line feed.csv", comma.trim_end().into()),
        ("mark.csv", format!("\u{feff}{comma}").into()),
        ("little.csv", utf_16(u16::to_le_bytes, "\u{feff}")),
        ("big.csv", utf_16(u16::to_be_bytes, "\u{feff}")),
        ("no mark.csv", utf_16(u16::to_le_bytes, "")),
        (
            "latin.csv",
            comma
                .replacen('a', "\u{1}", 1)
                .bytes()
                .map(|byte| if byte == 1 { 0xe4 } else { byte })
                .collect(),
        ),
        ("table.csv.gz", gzip.finish().unwrap()),
        ("comments.csv", format!("# by hand\n\n{comma}\n# end\n").into()),
        ("heading.txt", table("# a b c label", " ", plain).into()),
    ];
    for (name, bytes) in cases {
        let read = assert_table(&file(name, bytes), &Options::default());
        let header = !name.contains("no header");
        assert_eq!(read.description.header, Some(header), "{name}");
    }
    let stated = Options { separator: Some('^'), ..Options::default() };
    assert_table(&file("caret.csv", table("a^b^c^label", "^", plain)), &stated);
    assert_refused(
        &file("caret.csv", table("a^b^c^label", "^", plain)),
        &Options::default(),
        &["--separator"],
    );
}

#[test]
fn what_was_understood_is_one_sentence() {
    let text =
        table("a,b,c,species", ",", |class| ["setosa", "virginica"][usize::from(class)].to_owned());
    let read = assert_table(&file("iris.csv", text), &Options::default());
    let said = read.description.to_string();
    let expected = "24 rows, 3 features, label `species` (2 classes: setosa, virginica), header: yes; text with commas";
    assert_eq!(said, expected);
    assert_eq!(read.classes, ["setosa", "virginica"]);
}

#[test]
fn labels_of_every_kind_become_classes_whose_names_are_kept() {
    let yes = |class: u8| ["no", "yes"][usize::from(class)].to_owned();
    let truth = |class: u8| ["False", "True"][usize::from(class)].to_owned();
    let signs = |class: u8| ["-1", "1"][usize::from(class)].to_owned();
    let decimals = |class: u8| format!("{class}.0");
    let cases: [(&str, String, [&str; 2]); 4] = [
        ("words", table(NAMES, ",", yes), ["no", "yes"]),
        ("truth", table(NAMES, ",", truth), ["False", "True"]),
        ("signs", table(NAMES, ",", signs), ["-1", "1"]),
        ("decimals", table(NAMES, ",", decimals), ["0", "1"]),
    ];
    for (name, text, names) in cases {
        let read = assert_table(&file(name, text), &Options::default());
        assert_eq!(read.classes, names, "{name}");
        let packed = dataset::pack(&read).unwrap();
        let again = reads(&file("packed.safetensors", packed), &Options::default());
        assert!(again.is_packed);
        assert_eq!((again.dataset, again.classes), (read.dataset, read.classes), "{name}");
    }
}

#[test]
fn labels_from_one_leave_no_empty_class() {
    let text = file("one.csv", table(NAMES, ",", |class| (class + 1).to_string()));
    assert_refused(&text, &Options::default(), &["--classes 1,2", "do not count from 0"]);
    assert_table(&text, &options("", "", "1,2"));
    let three = reads(&text, &options("", "", "0,1,2"));
    assert_eq!(three.description.notes, ["no rows of class 0"]);
    assert_refused(&text, &options("", "", "1,3"), &["\"2\" is none of the classes 1,3"]);
    let targets = Options { kind: LabelKind::Targets, ..Options::default() };
    assert_eq!(reads(&text, &targets).description.range, Some((1.0, 2.0)));
}

#[test]
fn a_header_of_numbers_is_neither_a_row_nor_a_class() {
    assert_table(&file("counts.csv", table("0,1,2,3", ",", plain)), &Options::default());
    assert_table(&file("counts, label.csv", table("0,1,2,label", ",", plain)), &Options::default());
    assert_table(
        &file("years.csv", table("2019,2020,2021,label", ",", plain)),
        &Options::default(),
    );
    let word = |class: u8| ["x", "y"][usize::from(class)].to_owned();
    assert_table(&file("counts, words.csv", table("0,1,2,3", ",", word)), &Options::default());
    let years = file("years.csv", table("2018,2019,2020,2022", ",", plain));
    assert_refused(&years, &Options::default(), &["--header yes", "--header no"]);
    let yes = Options { header: Some(Header::Lines(1)), ..Options::default() };
    assert_table(&years, &yes);
}

#[test]
fn a_first_row_is_kept_although_a_cell_is_empty_or_a_word() {
    let text = table("", ",", plain);
    let empty = text.replacen("-7", "", 1);
    assert_refused(
        &file("empty.csv", &empty),
        &Options::default(),
        &["line 1, column 2: the value is missing"],
    );
    let zero = Options { impute: Some(Impute::Zero), ..Options::default() };
    assert_eq!(reads(&file("empty.csv", empty), &zero).dataset.rows(), usize::from(ROWS));
    let words = table("", ",", |class| ["setosa", "virginica"][usize::from(class)].to_owned());
    let read = assert_table(&file("iris.data", words), &Options::default());
    assert_eq!(read.description.header, Some(false));
    let stray = text.replacen("-7", "x7", 1);
    assert_refused(&file("stray.csv", stray), &Options::default(), &["--header no"]);
}

#[test]
fn a_label_in_the_first_column_of_whole_numbers_is_asked_for() {
    let pixels = |row: u8| format!("{},{},{},0\n", row % 3, u32::from(row) * 9, 255 - row);
    let rows: String = (0..ROWS).map(pixels).collect();
    let bare = file("digits.csv", &rows);
    assert_refused(
        &bare,
        &Options::default(),
        &["which column is the label?", "--label 1, or --label 4"],
    );
    let read = reads(&bare, &options("1", "", ""));
    assert_eq!(read.dataset.labels(), &Labels::Classes((0..ROWS).map(|row| row % 3).collect()));
    assert_eq!(read.dataset.features(1..2), [9.0, 254.0, 0.0]);
    let named = file("digits.csv", format!("label,pixel0,pixel1,pixel2\n{rows}"));
    assert_eq!(reads(&named, &Options::default()).dataset, read.dataset);
    let odd = file("digits.csv", format!("digit,1x1,1x2,1x3\n{rows}"));
    assert_refused(&odd, &Options::default(), &["--label digit"]);
    let wine = with_column("", |at| (at % 3).to_string()).replace(",0\n", ",0.5\n");
    assert_refused(
        &file("wine.data", wine),
        &Options::default(),
        &["column 5, is not a class", "--label 1"],
    );
}

#[test]
fn an_index_is_no_feature() {
    let pandas =
        with_column(NAMES, |at| if at == 0 { String::new() } else { (at - 1).to_string() });
    let read = assert_table(&file("pandas.csv", &pandas), &Options::default());
    assert_eq!(read.description.notes, ["column 1 left out: it is an index without a name"]);
    let again = pandas.replacen(',', "Unnamed: 0,", 1);
    assert_table(&file("pandas again.csv", again), &Options::default());
    let r = with_column(NAMES, |at| if at == 0 { String::new() } else { format!("\"{at}\"") });
    assert_table(&file("r.csv", r.replacen(',', "", 1)), &Options::default());
    for (name, header, value) in [
        ("id.csv", "patient_id", 1_000_000_000_000_u64),
        ("camel.csv", "PatientID", 77),
        ("counts.csv", "number", 5),
    ] {
        let text = with_column(NAMES, |at| {
            if at == 0 { header.to_owned() } else { (value + at as u64).to_string() }
        });
        let text = file(name, text);
        assert_refused(&text, &Options::default(), &[&format!("--drop {header}"), "--keep"]);
        assert_table(&text, &options("", header, ""));
        let keep = Options { keep: vec![header.to_owned()], ..Options::default() };
        assert_eq!(reads(&text, &keep).dataset.row().elements(), 4);
    }
}

#[test]
fn columns_of_one_name_are_told_apart() {
    let twice = file("twice.csv", table("a,label,c,label", ",", plain));
    assert_refused(&twice, &Options::default(), &["--label 2, or --label 4"]);
    assert_refused(&twice, &options("label", "", ""), &["columns 2, 4 are all named"]);
    assert_table(&twice, &options("4", "", ""));
    let features = reads(&file("a.csv", table("a,a,c,label", ",", plain)), &Options::default());
    assert_eq!(features.description.notes, ["several features are named `a`"]);
    assert_refused(
        &twice,
        &options("none", "", ""),
        &["no column is named \"none\"", "a, label, c"],
    );
}

#[test]
fn two_header_lines_are_read_or_asked_for() {
    let text = table(NAMES, ",", plain);
    let read = assert_table(
        &file("title.csv", format!("source: hospital A\n{text}")),
        &Options::default(),
    );
    assert_eq!(read.description.notes, ["line 1 left out: source: hospital A"]);
    assert_table(
        &file("padded.csv", format!("source: hospital A,,,\n{text}")),
        &Options::default(),
    );
    for lines in [1, 2] {
        let stated = Options { header: Some(Header::Lines(lines)), ..Options::default() };
        assert_table(&file("title.csv", format!("source: hospital A\n{text}")), &stated);
    }
    let units = file("units.csv", text.replacen("label\n", "label\nmm,kg,mm,\n", 1));
    assert_refused(&units, &Options::default(), &["--header 2"]);
    let two = Options { header: Some(Header::Lines(2)), ..Options::default() };
    assert_eq!(assert_table(&units, &two).description.label, "`label`");
    assert_refused(
        &file("only.csv", format!("{NAMES}\n")),
        &Options::default(),
        &["no rows below the header"],
    );
}

#[test]
fn missing_values_are_named_or_imputed() {
    let text = table(NAMES, ",", plain);
    let lines: Vec<&str> = text.lines().collect();
    for word in ["", "nan", "NaN", "NA", "null", "?", " "] {
        let cells: Vec<&str> = lines[4].split(',').collect();
        let line = format!("{},{word},{},{}", cells[0], cells[2], cells[3]);
        let holed = file("holed.csv", text.replace(lines[4], &line));
        let place = "line 5, column 2 (`b`): the value is missing";
        assert_refused(&holed, &Options::default(), &[place, "--impute"]);
        let mut expected = [0.0, 0.0, 0.0];
        let mut rest: Vec<f32> =
            (0..ROWS).filter(|row| *row != 3).map(|row| features(row)[1]).collect();
        rest.sort_by(f32::total_cmp);
        let mean = rest.iter().map(|number| f64::from(*number)).sum::<f64>() / f64::from(ROWS - 1);
        #[expect(clippy::cast_possible_truncation, reason = "rounding is meant")]
        expected.copy_from_slice(&[mean as f32, rest[11], 0.0]);
        for (how, value) in [Impute::Mean, Impute::Median, Impute::Zero].into_iter().zip(expected) {
            let read = reads(&holed, &Options { impute: Some(how), ..Options::default() });
            assert_eq!(read.dataset.features(3..4)[1], value, "{word} {how}");
            assert_eq!(read.description.notes.len(), 1);
        }
    }
    let label = file("label.csv", text.replacen(",1\n", ",\n", 1));
    assert_refused(
        &label,
        &Options::default(),
        &["line 3, column 4 (`label`): the label is missing"],
    );
}

#[test]
fn cells_that_are_no_numbers_are_named_by_line_and_column() {
    let text = table(NAMES, ",", plain);
    let stray = file("stray.csv", format!("# a\n\n{}", text.replacen("\n-1.375,", "\nx1,", 1)));
    assert_refused(
        &stray,
        &Options::default(),
        &["line 5, column 1 (`a`): \"x1\" is not a number"],
    );
    let infinite = file("infinite.csv", text.replacen("\n-1.375,", "\ninf,", 1));
    assert_refused(&infinite, &Options::default(), &["line 3, column 1", "not a finite number"]);
    let ragged = file("ragged.csv", text.replacen("\n-1.375,", "\n", 1));
    assert_refused(&ragged, &Options::default(), &["line 3 has 3 cells where others have 4"]);
    let sex =
        with_column(NAMES, |at| ["sex", "m", "f"][if at == 0 { 0 } else { 1 + at % 2 }].to_owned());
    assert_refused(
        &file("sex.csv", &sex),
        &Options::default(),
        &["text is not a feature (\"f\")", "--drop sex"],
    );
    assert_table(&file("sex.csv", &sex), &options("", "sex", ""));
    let truth = with_column(NAMES, |at| {
        ["old", "True", "False"][if at == 0 { 0 } else { 1 + at % 2 }].to_owned()
    });
    let read = reads(&file("truth.csv", truth), &Options::default());
    assert_eq!(read.dataset.features(0..1)[0], 0.0);
    let thousands =
        file("thousands.csv", table("a;b;c;label", ";", plain).replacen("-7", "1,234", 1));
    assert_refused(&thousands, &Options::default(), &["line 2, column 2", "--decimal comma"]);
    let point = Options { decimal: Some(Decimal::Point), ..Options::default() };
    assert_refused(&thousands, &point, &["\"1,234\" is not a number"]);
}

#[test]
fn labels_that_are_no_classes_are_refused_with_what_to_say() {
    let text = table("a,b,c,d", ",", |class| format!("{class}.5"));
    let targets = Options { kind: LabelKind::Targets, ..Options::default() };
    assert_eq!(reads(&file("d.csv", &text), &targets).description.range, Some((0.5, 1.5)));
    assert_refused(&file("d.csv", &text), &Options::default(), &["--regression"]);
    assert_table(&file("d.csv", &text), &options("", "", "0.5,1.5"));
    let rows: String = (0..300).map(|row| format!("{}.5,{row}\n", row * 7 % 11)).collect();
    assert_refused(
        &file("many.csv", format!("a,d\n{rows}")),
        &Options::default(),
        &["300 different", "--regression"],
    );
    let case = table(NAMES, ",", |class| ["m", "M"][usize::from(class)].to_owned());
    assert_refused(&file("case.csv", case), &Options::default(), &["\"M\" and \"m\""]);
    let one = table(NAMES, ",", |_| "m".to_owned());
    assert_refused(&file("one.csv", one), &Options::default(), &["--classes"]);
}

#[test]
fn other_formats_are_refused_with_what_to_do() {
    for (start, advice) in [
        ("PK\u{3}\u{4} workbook", "save it as CSV"),
        ("ARROW1\0\0", "save it as Parquet"),
        ("SQLite format 3\0", "export the table as CSV"),
        ("text\0\0\0\0 of zeros \0", "export the rows as CSV"),
        ("one\ntwo\n", "--separator"),
        ("", "there are no rows"),
    ] {
        assert_refused(&file("other", start), &Options::default(), &[advice]);
    }
}

#[test]
fn rows_beyond_the_limit_are_refused_before_they_are_made() {
    let text = file("large.csv", table(NAMES, ",", plain));
    let limit = Options { limit: Some((4, 311)), ..Options::default() };
    assert_refused(
        &text,
        &limit,
        &["24 rows of 3 features take 312 bytes", "may have 311", "--u8"],
    );
    assert_table(&text, &Options { limit: Some((4, 312)), ..Options::default() });
}
