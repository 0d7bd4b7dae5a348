// A provider may repeat in an error what it was asked with. Its text is shown to the organization, so what is secret in it is
// taken out first, in each form in which it could come back.

const MARK = '[removed]'
/** Shorter ones are no secrets, and would take words apart. */
const LENGTH_MIN = 4

/** Takes secrets out of a provider's text. */
export type Redact = (text: string, secrets: readonly (string | null | undefined)[]) => string

export const redact: Redact = (text, secrets) => {
  const forms = secrets
    .filter((secret): secret is string => typeof secret === 'string' && secret.length >= LENGTH_MIN)
    .flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64'),
      Buffer.from(secret).toString('base64url'),
    ])
    // The longer first: one may be the beginning of another.
    .toSorted((a, b) => b.length - a.length)
  let redacted = text
  for (const form of forms) redacted = redacted.replaceAll(form, MARK)
  return redacted
}
