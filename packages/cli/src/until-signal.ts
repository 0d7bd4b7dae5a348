// Runs something until a person or a supervisor asks for its end.
import { onEndRequest } from './end-request.ts'

/**
 * Starts something, and stops it when that is asked for. What is asked for while it starts is done when it has started, so that
 * nothing half started is left behind. Whoever asks again does not want to wait: it exits at once with 1.
 *
 * @param start resolves with what stops it
 */
export async function untilSignal(
  start: () => Promise<() => Promise<void>>,
  onStopping = (): void => {},
): Promise<void> {
  let ask = (): void => {}
  const asked = new Promise<void>((resolve) => {
    ask = resolve
  })
  const off = onEndRequest((isAgain) => {
    if (isAgain) process.exit(1)
    // A terminal that is gone takes no lines, and that shall not end what is being stopped.
    for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined)
    onStopping()
    ask()
  })
  try {
    const stop = await start()
    await asked
    await stop()
  } finally {
    off()
  }
  if (process.connected) process.disconnect()
}
