// Reads text/event-stream as the HTML standard defines it ("Parsing an event stream"), in pieces of
// any size. It must not interpret `data`. A line or an event beyond its bound ends the stream, so
// that a broken peer cannot fill the memory.

export interface StreamMessage {
  readonly event: string
  readonly data: string
  /** The last id seen so far, '' before the first. */
  readonly id: string
}

const eventLengthMax = 8 * 1024 * 1024

export interface StreamParser {
  /** Takes the next piece of text; gives the messages it completes. Throws RangeError beyond 8 Mi characters. */
  push(piece: string): StreamMessage[]
}

export function createStreamParser(): StreamParser {
  let rest = ''
  let event = ''
  let data: string[] = []
  let dataLength = 0
  let id = ''
  let first = true

  const field = (line: string): void => {
    const colon = line.indexOf(':')
    if (colon === 0) return
    const name = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (name === 'event') event = value
    else if (name === 'id' && !value.includes('\0')) id = value
    else if (name === 'data') {
      data.push(value)
      dataLength += value.length
    }
  }

  return {
    push(piece) {
      rest += first && piece.startsWith('\uFEFF') ? piece.slice(1) : piece
      if (piece !== '') first = false
      const messages: StreamMessage[] = []
      // A trailing CR may be half of CRLF: it waits for the next piece.
      const lines = rest.split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line !== '') {
          field(line)
        } else {
          if (data.length > 0) messages.push({ event: event || 'message', data: data.join('\n'), id })
          event = ''
          data = []
          dataLength = 0
        }
      }
      if (rest.length + dataLength > eventLengthMax) throw new RangeError('An event of the stream is too long.')
      return messages
    },
  }
}
