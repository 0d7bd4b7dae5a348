// Whether the screen is a phone's, where a row takes more than one line.
import { useSyncExternalStore } from 'react'

const query = matchMedia('(width < 48rem)')

export const useIsNarrow = (): boolean =>
  useSyncExternalStore(
    (listener) => {
      query.addEventListener('change', listener)
      return () => query.removeEventListener('change', listener)
    },
    () => query.matches,
  )
