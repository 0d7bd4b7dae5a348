// A provider may repeat in an error what it was asked with. Its text is shown to the organization, so what is secret in it is
// taken out first, in each form in which it could come back.

const MARK = '[removed]'
/** Shorter ones are no secrets, and would take words apart. */
const LENGTH_MIN = 4

/** Takes secrets out of a provider's text. */
export type Redact = (text: string, secrets: readonly (string | null | undefined)[]) => string

export const redact: Redact = (text, secrets) => {
  let redacted = text
  for (const form of formsOf(secrets)) redacted = redacted.replaceAll(form, MARK)
  return redacted
}

/** Every form in which a secret could come back; the longer first, because one may be the beginning of another. */
export function formsOf(secrets: readonly (string | null | undefined)[]): string[] {
  const forms = secrets
    .filter((secret): secret is string => typeof secret === 'string' && secret.length >= LENGTH_MIN)
    .flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      // As a form is encoded, and as JSON writes a key of several lines.
      new URLSearchParams({ s: secret }).toString().slice(2),
      JSON.stringify(secret).slice(1, -1),
      Buffer.from(secret).toString('base64'),
      Buffer.from(secret).toString('base64url'),
    ])
  return [...new Set(forms)].toSorted((a, b) => b.length - a.length)
}
