// A fix is either SQL that can be run as it stands or a sentence; which, its first word tells.

/** Whether the fix is SQL that mends the finding without a decision of anybody. */
export const isRunnable = (fix: string): boolean =>
  /^(alter|create|drop|revoke|grant|select)\s/.test(fix) &&
  !/…|\(as a superuser\)|\(before Postgres|, or leave/.test(fix)
