// The address a request came from. X-Forwarded-For is believed only from the proxies that were named:
// anybody can write the header.
import { BlockList, isIP } from 'node:net'
import { RowhouseError } from '@rowhouse/contracts'

const hopsMax = 20

/** @throws RowhouseError invalid_option for an entry that is no address or range */
export function readTrustedProxies(entries: readonly string[]): BlockList {
  const trusted = new BlockList()
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    const bits = family === 'ipv6' ? 128 : 32
    if (isIP(address) === 0 || (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits))) {
      throw new RowhouseError('invalid_option', `ROWHOUSE_TRUSTED_PROXIES: ${entry} is no address or CIDR range.`)
    }
    trusted.addSubnet(address, prefix === undefined ? bits : Number(prefix), family)
  }
  return trusted
}

/** The nearest hop that is not a trusted proxy; the socket's own address when that is none. */
export function clientAddress(socketAddress: string, forwardedFor: string | null, trusted: BlockList): string {
  const hops = (forwardedFor ?? '').split(',').slice(-hopsMax)
  let address = plain(socketAddress)
  while (isTrusted(address, trusted)) {
    const next = plain(hops.pop()?.trim() ?? '')
    if (isIP(next) === 0) return address
    address = next
  }
  return address
}

const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '')

function isTrusted(address: string, trusted: BlockList): boolean {
  const family = isIP(address)
  return family !== 0 && trusted.check(address, family === 6 ? 'ipv6' : 'ipv4')
}
