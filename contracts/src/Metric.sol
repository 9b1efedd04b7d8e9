// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice What a score measures. Every score is an integer in parts per million, larger is better.
enum Metric {
    Accuracy,
    WorstClassRecall,
    MacroF1,
    MeanSquaredError,
    MeanAbsoluteError,
    LogLoss,
    BalancedAccuracy,
    Brier,
    R2,
    Auroc,
    AveragePrecision,
    SensitivityAt90,
    SensitivityAt95,
    SensitivityAt99,
    Spearman
}

/// @notice What a model's answers are: as its own graph shows, or as stated.
enum Output {
    FromGraph,
    Probabilities,
    LogProbabilities,
    Logits,
    Labels
}
