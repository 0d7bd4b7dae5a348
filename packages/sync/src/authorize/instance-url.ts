// The address that a token answer names as the account's own. What is asked there carries the access token, from inside the
// network that this server stands in: it has to be the provider's, as an address that a person names has to be.
import { RowhouseError } from '@rowhouse/contracts'

/**
 * @param askedAt where the token was asked for; its own origin is what it is, and its siblings are the same provider's, as
 * login.example.com and acme.example.com are
 * @param domains of the provider
 * @throws RowhouseError connector_failed
 */
export function requireOwnInstance(instanceUrl: string, askedAt: string, domains: readonly string[]): string {
  const asked = new URL(askedAt)
  if (URL.canParse(instanceUrl)) {
    const { hostname, origin, password, port, protocol, username } = new URL(instanceUrl)
    if (origin === asked.origin) return instanceUrl
    const parents = [...domains, ...parentOf(asked.hostname)]
    const isProviders = parents.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`))
    if (protocol === 'https:' && port === '' && username === '' && password === '' && isProviders) return instanceUrl
  }
  throw new RowhouseError('connector_failed', 'The CRM named an address as the account’s that is not its own.', {
    details: { askedAt: asked.origin },
    hint: 'Nothing was sent there. Connect at the address that the account has.',
  })
}

/** The domain that a host's siblings have; none for one that stands alone, and none for an address of numbers. */
function parentOf(hostname: string): string[] {
  const labels = hostname.split('.')
  return labels.length < 3 || /^[\d.]+$|:/.test(hostname) ? [] : [labels.slice(1).join('.')]
}
