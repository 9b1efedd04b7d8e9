//! `cargo speed train`: how long a training takes beside PyTorch, on one thread, and whether both
//! come to the same accuracy. PyTorch is asked if the interpreter in `PYTHON`, or `python3`, has
//! it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the numbers are the point")]

use std::{error::Error, fs, ops::ControlFlow, path::Path, process::Command, time::Instant};

use eval::{
    Dataset,
    train::{Options, train},
};

const EPOCHS: u32 = 10;
const NETS: [(&str, &str); 2] = [("mlp", "MLP 784-128-10"), ("cnn", "LeNet 28×28")];
const SCRIPT: &str = include_str!("training.py");

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/images");
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let rows = Dataset::from_safetensors(&fs::read(folder.join("holdout.safetensors"))?)?;
    for (name, title) in NETS {
        let model = fs::read(folder.join(format!("{name}.onnx")))?;
        let options = Options { epochs: EPOCHS, held_back_percent: 20, ..Options::default() };
        let begun = Instant::now();
        let trained = train(&model, &rows, &options, &mut |_| ControlFlow::Continue(()))?;
        let seconds = begun.elapsed().as_secs_f64();
        let accuracy = f64::from(trained.best.score.0) / 1e4;
        println!("{title}: {seconds:.2} s, {accuracy:.1} % after at most {EPOCHS} epochs");
        let asked = Command::new(&python).args(["-c", SCRIPT, name]).arg(&folder).output();
        match asked {
            Ok(output) if output.status.success() => {
                let text = String::from_utf8(output.stdout)?;
                let mut numbers = text.split_whitespace().map(str::parse::<f64>);
                let (Some(Ok(other)), Some(Ok(accuracy))) = (numbers.next(), numbers.next()) else {
                    return Err(format!("PyTorch's script answers {text}").into());
                };
                let ratio = seconds / other;
                println!("  PyTorch: {other:.2} s, {accuracy:.1} %; we take {ratio:.2} times that");
            }
            _ => eprintln!("  no ratio: {python} has no PyTorch (`pip install torch numpy`)"),
        }
    }
    Ok(())
}
