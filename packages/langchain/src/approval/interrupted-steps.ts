import { isGraphInterrupt } from '@langchain/langgraph';
import type { RunOfCall } from './run-of-call.ts';
import { canonicalJson } from './canonical-json.ts';
import { StepUpRuleError } from './step-up-approval.ts';
import type { ToolCallToApprove } from './tool-call.ts';

/** How many interrupted steps are remembered. */
const MAX_STEPS = 100;

/** The calls of one task of LangGraph. */
interface Step {
  readonly answers: Map<string, Promise<unknown>>;
  readonly interrupted: Set<string>;
  running: number;
}

/**
 * Remembers the answers of the calls whose task was interrupted by another call. LangGraph runs a task again from its start, and
 * a ToolNode has all calls of a step in one task, if the graph does not make a task for each. In the process that was interrupted, such
 * a call is then not made again. In another process it is.
 */
export class InterruptedSteps {
  /** By thread, task and principal. */
  readonly #steps = new Map<string, Step>();
  /** The keys of those that were interrupted, the oldest first. */
  readonly #waiting = new Set<string>();

  /** Makes a call, or returns the answer that it had before its task was interrupted. */
  async during<T>(
    { configurable, principal }: RunOfCall,
    { id, name, args }: ToolCallToApprove,
    make: () => Promise<T>,
  ): Promise<T> {
    const { thread_id, checkpoint_ns } = configurable;
    if (id === undefined || typeof thread_id !== 'string' || typeof checkpoint_ns !== 'string') return make();
    // A model can give two calls the same id.
    const call = canonicalJson([id, name, args]);
    const key = JSON.stringify([thread_id, checkpoint_ns, principal]);
    const step = this.#steps.get(key) ?? {
      answers: new Map<string, Promise<unknown>>(),
      interrupted: new Set(),
      running: 0,
    };
    const earlier = step.interrupted.size > 0 ? step.answers.get(call) : undefined;
    if (earlier) return earlier as Promise<T>;
    this.#steps.set(key, step);
    step.running += 1;
    const answer = make();
    step.answers.set(call, answer);
    try {
      const made = await answer;
      step.interrupted.delete(call);
      return made;
    } catch (error) {
      if (isGraphInterrupt(error instanceof StepUpRuleError ? error.thrown : error)) {
        step.answers.delete(call);
        step.interrupted.add(call);
      } else step.interrupted.delete(call);
      throw error;
    } finally {
      step.running -= 1;
      if (step.running === 0) this.#ended(key, step);
    }
  }

  #ended(key: string, step: Step): void {
    this.#waiting.delete(key);
    if (step.interrupted.size === 0 || step.answers.size === 0) {
      this.#steps.delete(key);
      return;
    }
    this.#waiting.add(key);
    const [oldest] = this.#waiting;
    if (this.#waiting.size <= MAX_STEPS || oldest === undefined) return;
    this.#waiting.delete(oldest);
    // One that runs again is remembered again when it is interrupted again.
    if (this.#steps.get(oldest)?.running === 0) this.#steps.delete(oldest);
  }
}
