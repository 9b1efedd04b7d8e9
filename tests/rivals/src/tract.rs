//! tract: an engine for ONNX files, which it reads and optimises itself.

use std::{error::Error, io::Cursor, sync::Arc};

use tract_onnx::prelude::*;

use crate::Engine;

/// A plan for batches of one size.
pub(crate) struct Tract {
    plan: Arc<TypedRunnableModel>,
    shape: [usize; 4],
}

impl Tract {
    /// Plans a network for this many rows at a time.
    pub(crate) fn new(
        net: &[u8],
        rows: usize,
        [channels, height, width]: [usize; 3],
    ) -> Result<Self, Box<dyn Error>> {
        let shape = [rows, channels, height, width];
        let model = tract_onnx::onnx().model_for_read(&mut Cursor::new(net))?;
        let model = model
            .with_input_fact(0, f32::fact(shape).into())?
            .with_output_fact(0, InferenceFact::default())?;
        Ok(Self { plan: model.into_optimized()?.into_runnable()?, shape })
    }
}

impl Engine for Tract {
    fn answer(&self, rows: Vec<f32>) -> Vec<f32> {
        let rows = Tensor::from_shape(&self.shape, &rows).expect("batches are whole");
        let made = self.plan.run(tvec!(rows.into())).expect("the plan is for these rows");
        made[0].to_plain_array_view::<f32>().expect("all numbers are f32").iter().copied().collect()
    }
}
