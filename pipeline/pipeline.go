// Package pipeline turns a source of records into the minibatches of a Hessian-free iteration.
//
// A [Manifest] lists the sequences of a source. A [Plan] says which of them make the gradient, curvature and held-out
// minibatch of step k (section 12), and in which chunks each minibatch is computed (section 7.1): pure functions of
// (manifest, seed, k). A [Loader] reads, encodes and packs the chunks in bounded stages under one budget in bytes. What a
// consumer is handed depends on the plan alone, bit for bit, and never on the number of workers, on memory or on timing.
//
// The folder's README draws the stages, their bounds, and why they cannot deadlock.
package pipeline
