// Salesforce record ids: 15 case-sensitive characters, and the 18-character form whose last three
// characters encode the case of the first fifteen. Owns both directions; must not know any object.
// The scheme: https://help.salesforce.com/s/articleView?id=000385585

const checksumAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'

/** The 18-character form of a 15- or 18-character id; undefined when it is no id. */
export function toLongId(id: string): string | undefined {
  if (!/^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$/.test(id)) return undefined
  const short = id.length === 18 ? restoreCase(id) : id
  if (short === undefined) return undefined
  return short + checksum(short)
}

/** A new id: the object's three-character prefix, the account's five, and seven of the sequence number. */
export function recordId(prefix: string, pod: string, sequence: number): string {
  const short = prefix + pod.slice(0, 5).padEnd(5, '0') + toBase62(sequence).padStart(7, '0')
  return short + checksum(short)
}

/** The 18-character id of an organization, from up to 12 characters. */
export function organizationId(characters: string): string {
  const short = `00D${characters.padEnd(12, '0').slice(0, 12)}`
  return short + checksum(short)
}

function checksum(short: string): string {
  let suffix = ''
  for (let block = 0; block < 3; block++) {
    let bits = 0
    for (let position = 0; position < 5; position++) {
      const character = short[block * 5 + position]!
      if (character >= 'A' && character <= 'Z') bits |= 1 << position
    }
    suffix += checksumAlphabet[bits]
  }
  return suffix
}

// An 18-character id may arrive in any case: its suffix says which letters are capitals.
function restoreCase(long: string): string | undefined {
  let short = ''
  for (let block = 0; block < 3; block++) {
    const bits = checksumAlphabet.indexOf(long[15 + block]!.toUpperCase())
    if (bits === -1) return undefined
    for (let position = 0; position < 5; position++) {
      const character = long[block * 5 + position]!
      short += bits & (1 << position) ? character.toUpperCase() : character.toLowerCase()
    }
  }
  return short
}

function toBase62(value: number): string {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  let rest = value
  let text = ''
  do {
    text = digits[rest % 62]! + text
    rest = Math.floor(rest / 62)
  } while (rest > 0)
  return text
}
