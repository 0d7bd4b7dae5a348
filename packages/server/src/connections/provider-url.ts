// Which addresses a person may have this server call as a CRM. Behind the server stand machines that the person
// cannot reach, and its answers would tell which of them listen. Operators may name any address.
import { RowhouseError } from '@rowhouse/contracts'

/**
 * A host and nothing more, where it is a base URL: below some paths of a provider's hosts its customers run programs of their
 * own, and what the connection is refreshed with is sent to a path below this one. A token endpoint has a path; programs of
 * customers are told apart by a query.
 *
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
    url.search === '' &&
    url.hash === '' &&
    (field === 'tokenUrl' || url.pathname === '/') &&
    domains.some((domain) => url.hostname === domain || url.hostname.endsWith(`.${domain}`))
  if (isProvider) return
  const message = `not an https address of ${domains.join(' or ')}${field === 'baseUrl' ? ' without a path' : ''}`
  throw new RowhouseError('validation_failed', `${field}: ${message}`, {
    details: { issues: [{ in: 'body', path: field, message }] },
    hint: 'Operators may connect other addresses: rowhouse connection add --base-url',
  })
}
