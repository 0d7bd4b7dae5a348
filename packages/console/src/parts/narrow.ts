// How wide the screen is, where that decides what is in the document and not only how it looks.
import { useSyncExternalStore } from 'react'

function useMatches(query: MediaQueryList): boolean {
  return useSyncExternalStore(
    (listener) => {
      query.addEventListener('change', listener)
      return () => query.removeEventListener('change', listener)
    },
    () => query.matches,
  )
}

const narrow = matchMedia('(width < 48rem)')
const barNarrow = matchMedia('(width < 64rem)')

/** A phone's, where a row takes more than one line. */
export const useIsNarrow = (): boolean => useMatches(narrow)
/** Too narrow for all that the bar on top holds. */
export const useIsBarNarrow = (): boolean => useMatches(barNarrow)
