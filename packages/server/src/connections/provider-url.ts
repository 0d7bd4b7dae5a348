// Which addresses a person may have this server call as a CRM. Behind the server stand machines that the person
// cannot reach, and its answers would tell which of them listen. Operators may name any address.
import { RowhouseError } from '@rowhouse/contracts'

/**
 * @param domains of the provider; its hosts are these and those below them, over https on the default port
 * @param origins of simulated providers, which a development stack runs on this machine
 * @throws RowhouseError validation_failed
 */
export function requireProviderUrl(
  field: 'baseUrl' | 'tokenUrl',
  value: string,
  { domains, origins }: { readonly domains: readonly string[]; readonly origins: readonly string[] },
): void {
  const url = new URL(value)
  if (origins.includes(url.origin)) return
  const isProvider =
    url.protocol === 'https:' &&
    url.port === '' &&
    url.username === '' &&
    url.password === '' &&
    domains.some((domain) => url.hostname === domain || url.hostname.endsWith(`.${domain}`))
  if (isProvider) return
  const message = `not an https address of ${domains.join(' or ')}`
  throw new RowhouseError('validation_failed', `${field}: ${message}`, {
    details: { issues: [{ in: 'body', path: field, message }] },
    hint: 'Operators may connect other addresses: rowhouse connection add --base-url',
  })
}
