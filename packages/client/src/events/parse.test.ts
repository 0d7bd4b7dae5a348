import { describe, expect, it } from 'vitest'
import { createStreamParser } from './parse.ts'

const parseAll = (text: string, pieceLength: number) => {
  const parser = createStreamParser()
  const pieces = text.match(new RegExp(`[\\s\\S]{1,${pieceLength}}`, 'g')) ?? []
  return pieces.flatMap((piece) => parser.push(piece))
}

describe('createStreamParser', () => {
  const text =
    '\uFEFF: hello\nid: 7\nevent: activity\ndata: one\ndata:two\n\n:heartbeat\r\n\r\ndata\r\ndata: x\r\n\r\nid:8\rdata: last\r\r'
  const messages = [
    { event: 'activity', data: 'one\ntwo', id: '7' },
    { event: 'message', data: '\nx', id: '7' },
    { event: 'message', data: 'last', id: '8' },
  ]

  it.each([1, 2, 3, 5, 1000])('gives the same messages in pieces of %i characters', (pieceLength) => {
    // A trailing CR waits: it may be half of CRLF.
    expect(parseAll(`${text}:`, pieceLength)).toEqual(messages)
  })

  it('does not give an event that was cut off', () => {
    expect(parseAll('data: half', 4)).toEqual([])
  })

  it('refuses an event without end', () => {
    const parser = createStreamParser()
    const piece = `data: ${'x'.repeat(1_000_000)}\n`
    expect(() => {
      for (let i = 0; i < 20; i += 1) parser.push(piece)
    }).toThrow(RangeError)
  })
})
