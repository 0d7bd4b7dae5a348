// A Postgres with TLS in front of one without: answers SSLRequest, then speaks TLS with a certificate of an authority that
// nobody trusts by default. The keys are of these tests and of nothing else; the certificates are valid for a century, but
// for one that has ended.
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

export interface TlsProxy {
  readonly port: number
  /** PEM of the authority. */
  readonly authority: string
  close(): Promise<void>
}

/** PEM. */
export const AUTHORITY = `-----BEGIN CERTIFICATE-----
MIIBezCCASCgAwIBAgIUF/MwkRiTRfimFUK12ygfhiz+3DwwCgYIKoZIzj0EAwIw
IjEgMB4GA1UEAwwXUm93aG91c2UgdGVzdCBhdXRob3JpdHkwIBcNMjAwMTAxMDAw
MDAwWhgPMjEyNjAxMDEwMDAwMDBaMCIxIDAeBgNVBAMMF1Jvd2hvdXNlIHRlc3Qg
YXV0aG9yaXR5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1dFQPi69y/DS7ShC
XqBHvxrS7OP6zpaz7VCUWY8hVbpafX9MOkOOmdStoDtw6GPD4/fT9VSiBfX/wX6v
kXtAIqMyMDAwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUQMDht5n6LvRJMT6H
Ufug/ukXDM4wCgYIKoZIzj0EAwIDSQAwRgIhALxtra8Q+sMp/Jyt7UO1sLznWRGi
7PXjbPqNq4rN4fr/AiEA6GtDurrzO4V/5jaoMZ20TGZFqKx9HmiUOhrttbGk4Cw=
-----END CERTIFICATE-----`

/**
 * `here` names localhost and 127.0.0.1, `other` names other.test, `byName` localhost alone; `expired` names both and ended
 * in 2021, `selfSigned` names both and is of no authority.
 */
export const certificates = {
  here: {
    cert: `-----BEGIN CERTIFICATE-----
MIIBmDCCAT6gAwIBAgIURxd/Ovk9TYionzV/wXqWeVGpu5kwCgYIKoZIzj0EAwIw
IjEgMB4GA1UEAwwXUm93aG91c2UgdGVzdCBhdXRob3JpdHkwIBcNMjAwMTAxMDAw
MDAwWhgPMjEyNjAxMDEwMDAwMDBaMBQxEjAQBgNVBAMMCWhlcmUudGVzdDBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABBCbgcjpx5ac4Qdky0oX/eBD+ILL9u+VL0bZ
HznRctQt748XYzc/s3cx0eWP1qhHA9kcFeDR+MqIvUTfPP7fx1ijXjBcMBoGA1Ud
EQQTMBGCCWxvY2FsaG9zdIcEfwAAATAdBgNVHQ4EFgQU9KgERyxVdfDVqhY2S5Jw
1iMdabIwHwYDVR0jBBgwFoAUQMDht5n6LvRJMT6HUfug/ukXDM4wCgYIKoZIzj0E
AwIDSAAwRQIhAI/XNM/kzZ6AF5ki2fmQxB78YOq5yaSna2rJM6xtwOGQAiA+1UNu
njHcTLwiG/nY4NoK93dN8B3Gqyi3Rkf5KrA1+w==
-----END CERTIFICATE-----`,
    key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQVNnYIBvgIwB8R1k
0B0hSAXXIj79kEFPazDnxjzJuq+hRANCAAQQm4HI6ceWnOEHZMtKF/3gQ/iCy/bv
lS9G2R850XLULe+PF2M3P7N3MdHlj9aoRwPZHBXg0fjKiL1E3zz+38dY
-----END PRIVATE KEY-----`,
  },
  other: {
    cert: `-----BEGIN CERTIFICATE-----
MIIBlDCCATqgAwIBAgIUCfdN64ibFewUs5dsHurPeEeNAbEwCgYIKoZIzj0EAwIw
IjEgMB4GA1UEAwwXUm93aG91c2UgdGVzdCBhdXRob3JpdHkwIBcNMjAwMTAxMDAw
MDAwWhgPMjEyNjAxMDEwMDAwMDBaMBUxEzARBgNVBAMMCm90aGVyLnRlc3QwWTAT
BgcqhkjOPQIBBggqhkjOPQMBBwNCAARFI7eFiqvmCbzhcTll5QrMDFPAXFTYahKn
Lw9QA9l9aWw5bKq+/i8xz961trRWWcSiJYx8M+gv6hCV3OLe7DdCo1kwVzAVBgNV
HREEDjAMggpvdGhlci50ZXN0MB0GA1UdDgQWBBTLfYfccCijBs57IHo+w1nlXPgg
wjAfBgNVHSMEGDAWgBRAwOG3mfou9EkxPodR+6D+6RcMzjAKBggqhkjOPQQDAgNI
ADBFAiAJPLnMJO86aukVeEORRo5sCGCj/GJDJ4bZU0mNhZDnVQIhAODLZaHqxygo
+XhtLvQEaA63LniqkJO30w99nxCN2sz5
-----END CERTIFICATE-----`,
    key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOjJ5AoyWg+UQyZYa
afF3KPo032fUM2xZ66uWWZC7kZChRANCAARFI7eFiqvmCbzhcTll5QrMDFPAXFTY
ahKnLw9QA9l9aWw5bKq+/i8xz961trRWWcSiJYx8M+gv6hCV3OLe7DdC
-----END PRIVATE KEY-----`,
  },
  byName: {
    cert: `-----BEGIN CERTIFICATE-----
MIIBkTCCATigAwIBAgIUUBrlTEXsGjgm5/jfLKmZk3UhhdEwCgYIKoZIzj0EAwIw
IjEgMB4GA1UEAwwXUm93aG91c2UgdGVzdCBhdXRob3JpdHkwIBcNMjAwMTAxMDAw
MDAwWhgPMjEyNjAxMDEwMDAwMDBaMBQxEjAQBgNVBAMMCW5hbWUudGVzdDBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABDXZSHgcU5vvmTJXw5mW7e5xEwEW8AYfRvH4
YQiEsahUTLOSKlyuDXqXYLVyaZwTUPVVCBVhgp2wjwiMyugn6xyjWDBWMBQGA1Ud
EQQNMAuCCWxvY2FsaG9zdDAdBgNVHQ4EFgQU4N+HhgVLHYrSQKLxes274GPhaQ0w
HwYDVR0jBBgwFoAUQMDht5n6LvRJMT6HUfug/ukXDM4wCgYIKoZIzj0EAwIDRwAw
RAIgS8pb4PH/OrxpGwUi/ERAjLH7mJ/0mJQXmV/Yxg3INfsCIF74vRC28RLF1sHu
PMVvqYhg1PvV0hs35n0LAI118j3p
-----END CERTIFICATE-----`,
    key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgO6xMvykm5pASND4B
heoq5WtaAVmGkFnF/Ti/pu7Mb3GhRANCAAQ12Uh4HFOb75kyV8OZlu3ucRMBFvAG
H0bx+GEIhLGoVEyzkipcrg16l2C1cmmcE1D1VQgVYYKdsI8IjMroJ+sc
-----END PRIVATE KEY-----`,
  },
  expired: {
    cert: `-----BEGIN CERTIFICATE-----
MIIBmDCCAT+gAwIBAgIUdxoRgGpm2dMvSLebKySM8jcUcdcwCgYIKoZIzj0EAwIw
IjEgMB4GA1UEAwwXUm93aG91c2UgdGVzdCBhdXRob3JpdHkwHhcNMjAwMTAxMDAw
MDAwWhcNMjEwMTAxMDAwMDAwWjAXMRUwEwYDVQQDDAxleHBpcmVkLnRlc3QwWTAT
BgcqhkjOPQIBBggqhkjOPQMBBwNCAAR3WJlA/iYj5h+F5wKg6JKeOMM7uE/V4v5Z
+pvcLNiUiijmWhIbt+16eZB5pFrFx8UYVS+d0A0xs+rtg9Klq6bfo14wXDAaBgNV
HREEEzARgglsb2NhbGhvc3SHBH8AAAEwHQYDVR0OBBYEFN6FPKr6Kyp60YaBEpqp
5NNBxiG7MB8GA1UdIwQYMBaAFEDA4beZ+i70STE+h1H7oP7pFwzOMAoGCCqGSM49
BAMCA0cAMEQCICwSYGPPp0qWxfqngXbqk5lIaVTAdRTgEUOzKvOrkVxJAiBf/7Um
Bew/t216ZjlW72msgZmhWK8MghcSWWLnSEmFzA==
-----END CERTIFICATE-----`,
    key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg9wBIRxwjAwA+C+bV
h7EXGtxRAIXXwuy06SEgqyqCTOChRANCAAR3WJlA/iYj5h+F5wKg6JKeOMM7uE/V
4v5Z+pvcLNiUiijmWhIbt+16eZB5pFrFx8UYVS+d0A0xs+rtg9Klq6bf
-----END PRIVATE KEY-----`,
  },
  selfSigned: {
    cert: `-----BEGIN CERTIFICATE-----
MIIBZzCCAQ2gAwIBAgIUaqFgaox8jTly0cPkGgCcNdWYMXowCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIb3duLnRlc3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyNjAxMDEw
MDAwMDBaMBMxETAPBgNVBAMMCG93bi50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAE/c7XAds0FQy5PkM1FUIXx4iflhAvqO2ACjMtnGYrvUMh7QKtnFG+Pt7h
FYAyuuPuHYH9kjSO7lsirqO0Riz2tKM9MDswGgYDVR0RBBMwEYIJbG9jYWxob3N0
hwR/AAABMB0GA1UdDgQWBBQsFiUtL4XbZqcG/2J4UOzOepEe3zAKBggqhkjOPQQD
AgNIADBFAiEA+nWul2Ryf+xy0fdiFMePWh3lB5m9pOh+52QzVxOwupcCIH4k98m8
RJqz1T8dz5Wr9sFAPx0A1hktaszlbVQFFS/P
-----END CERTIFICATE-----`,
    key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg26ocscVsxa2t3Ot5
rM5BurM0ojTLKt4rOjqtF8HWSpKhRANCAAT9ztcB2zQVDLk+QzUVQhfHiJ+WEC+o
7YAKMy2cZiu9QyHtAq2cUb4+3uEVgDK64+4dgf2SNI7uWyKuo7RGLPa0
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
