// Fixed buckets for how long a statement took, the same in every process and version, so that histograms add up: each is
// the square root of two wider than the one before, from an eighth of a millisecond to a minute. A percentile read from
// them is off by less than a fifth; what alerts ask, whether something takes three times as long, they answer surely.
// The same bounds are in 0830_measures.sql, where percentiles are read.

/** The upper bound of the first bucket. */
const FIRST_BOUND_MS = 0.125
export const BUCKETS = 40

/** The upper bound of a bucket, in milliseconds; the last one has none. */
export const boundMs = (bucket: number): number =>
  bucket >= BUCKETS - 1 ? Number.POSITIVE_INFINITY : FIRST_BOUND_MS * 2 ** (bucket / 2)

/** The bucket of a duration: the first whose bound is not below it. */
export function bucketOf(durationMs: number): number {
  if (!(durationMs > FIRST_BOUND_MS)) return 0
  const bucket = Math.ceil(2 * Math.log2(durationMs / FIRST_BOUND_MS))
  return bucket < BUCKETS ? bucket : BUCKETS - 1
}
