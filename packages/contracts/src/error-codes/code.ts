// What is said of each code, and how one is written down.

export interface ErrorCodeEntry {
  /** HTTP status of the API's answer. */
  readonly status: number
  /** Exit code of the CLI: 1 found problems, 2 usage, 3 unavailable. */
  readonly exit: 1 | 2 | 3
  readonly retryable: boolean
  /** What happened, when the thrower has nothing more exact to say. */
  readonly message: string
  /** What to do about it. */
  readonly hint: string
}

export const code = (
  status: number,
  exit: 1 | 2 | 3,
  retryable: boolean,
  message: string,
  hint: string,
): ErrorCodeEntry => ({
  status,
  exit,
  retryable,
  message,
  hint,
})
