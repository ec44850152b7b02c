import { callKey, cancellation } from './json-rpc.ts';

/** A caller that never reads its response would keep its request here. */
const MAX_CALLS = 1_000;
/** The SDKs name their time limit, and the signal of a caller names its own, as the reason of a cancellation. */
const TIME_LIMIT = /-32001|time(?:d )?-?out/iu;

/** The calls by POST of one fetch whose response has not arrived completely. */
export class UnansweredCalls<Call extends { readonly init: RequestInit }> {
  readonly #calls = new Set<Call>();

  add(call: Call): void {
    if (this.#calls.size >= MAX_CALLS) for (const oldest of this.#calls) if (this.#calls.delete(oldest)) break;
    this.#calls.add(call);
  }

  delete(call: Call): void {
    this.#calls.delete(call);
  }

  /** The call that `init` cancels, if its client has waited for as long as its time limit allows. The bodies are parsed only then. */
  timedOut(init: RequestInit): Call | undefined {
    if (this.#calls.size === 0) return undefined;
    const cancels = cancellation(init);
    if (!cancels) return undefined;
    const call = [...this.#calls].findLast((one) => callKey(one.init) === cancels.key);
    if (call) this.#calls.delete(call);
    return TIME_LIMIT.test(cancels.reason) ? call : undefined;
  }
}
