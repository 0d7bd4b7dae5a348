// Every account has domains of its own, and its id is in their names: 1234567_SB1 is 1234567-sb1 there. Owns both
// ways of that. A simulated provider has one host for all, and the account's id at the beginning of the path.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/bridgehead_4465255100.html
const accountHost = /^([a-z0-9-]{1,60})\.(?:suitetalk\.api|app|restlets\.api)\.netsuite\.com$/

/** The account that an address is of, e.g. `1234567_SB1`; null when it names none. */
export function accountOf(address: string): string | null {
  if (!URL.canParse(address)) return null
  const { hostname, pathname } = new URL(address)
  const named =
    accountHost.exec(hostname)?.[1] ?? /^\/([A-Za-z0-9_-]{1,60})\/services\/rest(?:\/|$)/.exec(pathname)?.[1]
  return named === undefined ? null : named.toUpperCase().replaceAll('-', '_')
}

/** Where the account's API is: https://1234567-sb1.suitetalk.api.netsuite.com */
export function apiUrl(account: string): string {
  return `https://${account.toLowerCase().replaceAll('_', '-')}.suitetalk.api.netsuite.com`
}

/** Where people of the account are asked; what is not NetSuite's own is asked where it is. */
export function loginUrl(baseUrl: string): string {
  const { origin, hostname } = new URL(baseUrl)
  const named = accountHost.exec(hostname)?.[1]
  if (named !== undefined) return `https://${named}.app.netsuite.com`
  return isNetsuite(baseUrl) ? origin : baseUrl.replace(/\/$/, '')
}

/** Where the account's API is, seen from where people were asked. An address that is neither NetSuite's nor a simulation's is kept. */
export function accountUrl(account: string, askedAt: string): string {
  if (isNetsuite(askedAt)) return apiUrl(account)
  const { origin, hostname, pathname } = new URL(askedAt)
  return hostname === '127.0.0.1' && pathname === '/' ? `${origin}/${account}` : askedAt
}

function isNetsuite(address: string): boolean {
  return /(?:^|\.)netsuite\.com$/.test(new URL(address).hostname)
}
