//! What `check` finds before a file becomes public.

use dataset::check;

use super::*;

#[test]
fn what_tells_who_a_person_is_is_warned_of() {
    let header = "patient_name,born,contact,ssn,a,label";
    let row = |row: usize| {
        let name = ["Ada Byron", "Ben Okri", "Cem Kaya", "Dora Maar"][row % 4];
        format!(
            "{name} {},19{}-01-02,p{row}@mail.example,123-45-{},{}.5,{}\n",
            ["Junior", "Senior"][row % 2],
            10 + row,
            1000 + row,
            row * 3 % 7,
            row % 2
        )
    };
    let rows: String = (0..20).map(row).collect();
    let found =
        check(&file("patients.csv", format!("{header}\n{rows}")), &Options::default()).unwrap();
    let all = found.warnings.join("\n");
    for part in [
        "`patient_name`) looks like names of persons",
        "`born`) looks like dates",
        "`contact`) looks like e-mail addresses",
        "`ssn`) looks like numbers of persons",
        "--drop ssn",
    ] {
        assert!(all.contains(part), "{all} lacks {part}");
    }
    assert!(!all.contains("(`a`)"), "{all}");
    assert!(found.refused.unwrap().contains("--drop"));
    let birth = table("date_of_birth,b,c,label", ",", plain);
    let found = check(&file("birth.csv", birth), &Options::default()).unwrap();
    assert!(found.warnings[0].contains("dates of birth"), "{:?}", found.warnings);
}

#[test]
fn repeated_rows_imbalance_and_constants_are_warned_of() {
    let text = table("a,b,c,label", ",", plain);
    let clean = check(&file("clean.csv", &text), &Options::default()).unwrap();
    assert_eq!((clean.warnings.as_slice(), clean.repeated_rows), (&[][..], 0));
    assert_eq!(clean.columns.len(), 4);
    let lines: Vec<&str> = text.lines().collect();
    let ids = |(at, line): (usize, &&str)| {
        format!("{},1,{line}\n", if at == 0 { "id".to_owned() } else { at.to_string() })
    };
    let twice: Vec<&str> = [&lines[..], &lines[5..8]].concat();
    let twice = twice.iter().enumerate().map(ids).collect::<String>();
    let found = check(&file("twice.csv", twice), &options("label", "id", "")).unwrap();
    assert_eq!(found.repeated_rows, 3);
    assert!(found.warnings.iter().any(|one| one.contains("3 rows equal an earlier one")));
    assert!(found.warnings.iter().any(|one| one.contains("column 2 (`1`) is the same")));
    let few: String =
        (0..50_u8).map(|row| format!("{}.5,{}\n", row * 3, u8::from(row == 7))).collect();
    let found = check(&file("few.csv", format!("a,label\n{few}")), &Options::default()).unwrap();
    assert!(found.warnings[0].contains("49 rows of 0 and 1 of 1"), "{:?}", found.warnings);
    let packed = dataset::pack(&reads(&file("clean.csv", text), &Options::default())).unwrap();
    let found = check(&file("clean.safetensors", packed), &Options::default()).unwrap();
    assert_eq!(found.understood.unwrap().rows, usize::from(ROWS));
}
