// A Postgres with TLS in front of one without: answers SSLRequest, then speaks TLS with a certificate of an authority that
// nobody trusts by default. The keys are of these tests and of nothing else; the certificates are valid for a century.
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

export interface TlsProxy {
  readonly port: number
  /** PEM of the authority. */
  readonly authority: string
  close(): Promise<void>
}

const AUTHORITY = `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUWIGoOs3UTGXQvTdjjOVKBTID2ykwCgYIKoZIzj0EAwIw
IjEgMB4GA1UEAwwXUm93aG91c2UgdGVzdCBhdXRob3JpdHkwIBcNMjYxMTIxMTY0
MTUxWhgPMjEyNjEwMjgxNjQxNTFaMCIxIDAeBgNVBAMMF1Jvd2hvdXNlIHRlc3Qg
YXV0aG9yaXR5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExVxlrxgOZ7MqW0vA
1rJGgDHGLb7pB78AUJcS+mbKqwF8uL3bOUFsYGStBJGvuqMWvvHva5JMDifBWsHm
E3SojKNTMFEwHQYDVR0OBBYEFOrRogb6Dwyk67NgEdMnAKa64v+UMB8GA1UdIwQY
MBaAFOrRogb6Dwyk67NgEdMnAKa64v+UMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZI
zj0EAwIDRwAwRAIgPtQ7tkhHlsZbEYmRY1sxUlgkvCH5gD2bBcRNw6PbsXgCIDO/
CjAFgJRh5ld+o0ouzK7n/nHY0qJY9t7vVwU1xXVv
-----END CERTIFICATE-----`

/** `here` names localhost and 127.0.0.1, `other` names other.test. */
const certificates = {
  here: {
    cert: `-----BEGIN CERTIFICATE-----
MIIBlzCCAT6gAwIBAgIUM5LB9r6e8oziOVl1shkOGtScnBMwCgYIKoZIzj0EAwIw
IjEgMB4GA1UEAwwXUm93aG91c2UgdGVzdCBhdXRob3JpdHkwIBcNMjYxMTIxMTY0
MjQwWhgPMjEyNjEwMjgxNjQyNDBaMBQxEjAQBgNVBAMMCWhlcmUudGVzdDBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABK6HxZWr5Zo8EJ87DAkADt7oVqKuVr3idbX+
eshluQH6bEAjqYiyoSKWS0sm9GnQMMIGqFohfF/NKP8vpHRvcA+jXjBcMBoGA1Ud
EQQTMBGCCWxvY2FsaG9zdIcEfwAAATAdBgNVHQ4EFgQU23tAeQoVb6wRm/oTBjhB
UUPLtGQwHwYDVR0jBBgwFoAU6tGiBvoPDKTrs2AR0ycAprri/5QwCgYIKoZIzj0E
AwIDRwAwRAIgBBETtlKKfd5yaWemIc2zivAZ+uX36Vp7O7Yg7ZIVzLQCIHdvBm+e
VMjQ8dg/H9uoF3hHEmYoXI62UNiODh47JLvP
-----END CERTIFICATE-----`,
    key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgmqfHdJeoMXf21Skg
+e8aaFAKG8yW3S45gYV/bypVJHWhRANCAASuh8WVq+WaPBCfOwwJAA7e6Fairla9
4nW1/nrIZbkB+mxAI6mIsqEilktLJvRp0DDCBqhaIXxfzSj/L6R0b3AP
-----END PRIVATE KEY-----`,
  },
  other: {
    cert: `-----BEGIN CERTIFICATE-----
MIIBkzCCATqgAwIBAgIUM5LB9r6e8oziOVl1shkOGtScnBQwCgYIKoZIzj0EAwIw
IjEgMB4GA1UEAwwXUm93aG91c2UgdGVzdCBhdXRob3JpdHkwIBcNMjYxMTIxMTY0
MjQwWhgPMjEyNjEwMjgxNjQyNDBaMBUxEzARBgNVBAMMCm90aGVyLnRlc3QwWTAT
BgcqhkjOPQIBBggqhkjOPQMBBwNCAAS0ktDHg2nl9X/5Y3PyiFnPq9vmI70dTxU0
7v0rYEU3e69Z+3EuacSynJjG1YaZvEItN/a4u2fQ5YyShaeCh70Po1kwVzAVBgNV
HREEDjAMggpvdGhlci50ZXN0MB0GA1UdDgQWBBTAUddtwZ3Ly7l8T7X0eH39xezu
LzAfBgNVHSMEGDAWgBTq0aIG+g8MpOuzYBHTJwCmuuL/lDAKBggqhkjOPQQDAgNH
ADBEAiA1+TT+q8rKFfawNXLXpVQ4oCpwQB3YEcWPfuXNGGF6HwIgegsgoZTFXHb7
Ecmn5By0U2bPUHcMtV4bqSG3FsJd5wg=
-----END CERTIFICATE-----`,
    key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDAiXdhueda2RFku7
5u0Pbw43LHMyFi3nIMzJJqowvx+hRANCAAS0ktDHg2nl9X/5Y3PyiFnPq9vmI70d
TxU07v0rYEU3e69Z+3EuacSynJjG1YaZvEItN/a4u2fQ5YyShaeCh70P
-----END PRIVATE KEY-----`,
  },
} as const

/** Length and code of an SSLRequest: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const SSL_REQUEST_LENGTH = 8

/** @param url of the server behind it */
export async function startTlsProxy(url: string, certificate: keyof typeof certificates): Promise<TlsProxy> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    sockets.add(client)
    client.on('error', () => {})
    client.once('data', (request) => {
      if (request.length !== SSL_REQUEST_LENGTH) {
        client.destroy()
        return
      }
      client.write('S')
      const secure = new TLSSocket(client, { isServer: true, ...certificates[certificate] })
      const upstream = connect(Number(target.port || 5432), target.hostname)
      sockets.add(upstream)
      const end = (): void => {
        upstream.destroy()
        client.destroy()
      }
      for (const socket of [secure, upstream]) socket.on('error', end).on('close', end)
      secure.pipe(upstream)
      upstream.pipe(secure)
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    authority: AUTHORITY,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => {
          resolve()
        })
      }),
  }
}
