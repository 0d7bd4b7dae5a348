// Names of settings that may hold a secret (`app.settings.jwt_secret`, `pgrst.jwt_secret`): they are made in scratch
// under their name with another value, so that what reads them works and no secret leaves the source.
const secretName = /secret|passw|token|api_?key|private|credential/i

/** The value a scratch database gets, or null where the source's may be copied. */
export function standInFor(setting: string): string | null {
  return secretName.test(setting) ? 'rowhouse-verify-stand-in-of-32-characters' : null
}
