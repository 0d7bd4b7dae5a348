// Signs a person in as a browser does: from the product to its identity provider, a click, and back.

const hopsMax = 15

/** Clicks through the issuer as that person. @returns the cookie header of the session */
export async function signIn(api: string, userId: string): Promise<string> {
  const jars = new Map<string, Map<string, string>>()
  let address = `${api}/v1/session/start`
  let form: URLSearchParams | undefined
  for (let hop = 0; hop < hopsMax; hop += 1) {
    const jar = jars.get(new URL(address).origin) ?? new Map<string, string>()
    jars.set(new URL(address).origin, jar)
    const response = await fetch(address, {
      redirect: 'manual',
      headers: { cookie: [...jar].map((pair) => pair.join('=')).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(name, value)
    }
    const session = jars.get(new URL(api).origin)?.get('rowhouse_session')
    if (session !== undefined) return `rowhouse_session=${session}`
    const location = response.headers.get('location')
    form = location === null ? new URLSearchParams({ user: userId }) : undefined
    address = new URL(location ?? /action="([^"]+)"/.exec(await response.text())?.[1] ?? '', address).href
  }
  throw new Error('The sign-in never ended.')
}
