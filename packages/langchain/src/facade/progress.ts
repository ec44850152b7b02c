import { cleanText } from '@credence/protocol';
import type { ProgressCallback } from '@modelcontextprotocol/sdk/shared/protocol.js';

/** The shortest time between two progress reports of a call, in milliseconds. */
const INTERVAL_MS = 10;
/** The maximum length of the text of a progress report, in UTF-16 code units. */
const MAX_TEXT = 1_000;

type Progress = Parameters<ProgressCallback>[0];

/** A listener for the progress of one call. */
export interface ThrottledProgress {
  readonly listener: ProgressCallback;
  /** Passes on the last report, if it was held back. Call it when the call has ended. */
  readonly end: () => void;
}

/**
 * Passes on the progress of a call: at most one report in ten milliseconds, and always the last one. A server can send thousands in a
 * second. The text is without control and invisible characters. An error of `report` has no effect on the call.
 */
export function throttledProgress(report: ProgressCallback | undefined): ThrottledProgress {
  if (!report) return { listener: () => undefined, end: () => undefined };
  let reportedMs = -Infinity;
  let held: Progress | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const pass = (progress: Progress) => {
    reportedMs = performance.now();
    try {
      report(cleanProgress(progress));
    } catch {
      // What the application does with a report does not change the result of the call.
    }
  };
  const passHeld = () => {
    clearTimeout(timer);
    timer = undefined;
    if (held) pass(held);
    held = undefined;
  };
  return {
    listener(progress) {
      const waitMs = reportedMs + INTERVAL_MS - performance.now();
      held = progress;
      if (waitMs <= 0) passHeld();
      // Node.js cuts off the fraction of a millisecond, and a timer can end up to a millisecond early.
      else timer ??= setTimeout(passHeld, Math.ceil(waitMs) + 1);
    },
    end: passHeld,
  };
}

function cleanProgress({ progress, total, message }: Progress): Progress {
  return {
    progress,
    ...(total !== undefined && { total }),
    ...(message !== undefined && { message: cleanText(message, { max: MAX_TEXT }) }),
  };
}
