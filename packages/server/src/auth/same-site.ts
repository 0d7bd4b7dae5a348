// Refuses requests that another site made a browser send. A cookie travels by itself, so an unsafe
// method with one must show that it comes from our own pages; a sign-in must too, or another site could
// sign a person in as somebody else.
import { RowhouseError } from '@rowhouse/contracts'

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * @param byCookie whether a session cookie identified the caller
 * @throws RowhouseError cross_site_request
 */
export function requireSameSite(method: string, headers: Headers, byCookie: boolean, publicUrl: string): void {
  if (safeMethods.has(method) || headers.has('authorization')) return
  const site = headers.get('sec-fetch-site')
  const origin = headers.get('origin')
  if (site === null && origin === null) {
    // No browser since 2020 leaves both out: with a cookie it is not one of our pages.
    if (byCookie) throw new RowhouseError('cross_site_request')
    return
  }
  if (site !== null ? site !== 'same-origin' : origin !== new URL(publicUrl).origin) {
    throw new RowhouseError('cross_site_request')
  }
}
