//! All that stands in the way of a model, not only the first.

use crate::{
    graph::Graph, inference::infer, limits, model::Model, op::Fact, refusal::ModelRefused,
    shape::Shape,
};

/// Everything that keeps a file from being evaluated, each with its node; empty if nothing does.
///
/// A node that uses what another could not compute is left out.
#[must_use]
pub fn obstacles(file: &[u8]) -> Vec<ModelRefused> {
    let Some(first) = Model::from_onnx(file).err() else { return Vec::new() };
    let Ok((graph, mut found)) = Graph::examined(file) else { return vec![first] };
    let rows = graph.fixed_rows.unwrap_or(1);
    let shape = Shape::new(&[&[rows], graph.row.sizes()].concat());
    let mut facts = graph.known.clone();
    facts[graph.input] = shape.map(Fact::Real);
    let mut left = limits::PLANNED_ELEMENTS;
    for node in &graph.nodes {
        let given = node.inputs.iter().map(|input| input.and_then(|id| facts[id].clone()));
        let given = given.collect::<Vec<_>>();
        if node.inputs.iter().zip(&given).any(|(id, fact)| id.is_some() && fact.is_none()) {
            continue;
        }
        match infer(node.operator.as_ref(), node.plain.as_ref(), &given) {
            Ok(inferred) => facts[node.output] = Some(inferred.fact(&given, &mut left).0),
            Err(reason) => found.push(ModelRefused::Node { node: node.id, reason }),
        }
    }
    if found.is_empty() { vec![first] } else { found }
}
