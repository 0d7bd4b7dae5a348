import { describe, expect, it } from 'vitest'
import { clientAddress, readTrustedProxies } from './client-address.ts'

describe('clientAddress', () => {
  const trusted = readTrustedProxies(['10.0.0.0/8', '::1'])
  it.each([
    ['a header from a stranger is not believed', '203.0.113.5', '1.2.3.4', '203.0.113.5'],
    ['a trusted proxy names the client', '10.1.1.1', '1.2.3.4', '1.2.3.4'],
    ['what the client wrote itself is not believed', '10.1.1.1', '9.9.9.9, 1.2.3.4', '1.2.3.4'],
    ['a chain of trusted proxies is walked', '::1', '1.2.3.4, 10.2.2.2', '1.2.3.4'],
    ['an IPv4 address in IPv6 is the same', '::ffff:10.1.1.1', '1.2.3.4', '1.2.3.4'],
    ['nonsense ends the walk', '10.1.1.1', 'unknown', '10.1.1.1'],
    ['no header', '10.1.1.1', null, '10.1.1.1'],
  ])('%s', (_name, socket, header, address) => {
    expect(clientAddress(socket, header, trusted)).toBe(address)
  })

  it.each(['nonsense', '10.0.0.0/33', '10.0.0.0/x'])('refuses the entry %s', (entry) => {
    expect(() => readTrustedProxies([entry])).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  })
})
