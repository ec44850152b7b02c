import { isGraphInterrupt } from '@langchain/langgraph';
import { canonicalJson } from './canonical-json.ts';
import type { RunOfCall } from './run-of-call.ts';
import { StepUpRuleError } from './step-up-approval.ts';
import { TaskAnswers } from './task-answers.ts';
import type { ToolCallToApprove } from './tool-call.ts';

/** How many interrupted steps are remembered. */
const MAX_STEPS = 100;

/** The calls of one run of a task of LangGraph. */
interface Step {
  /** The answers of the earlier runs of the task. */
  readonly earlier: ReadonlyMap<string, Promise<unknown>>;
  /** The answers of the earlier runs and of this one. */
  readonly answers: Map<string, Promise<unknown>>;
  /** What has interrupted this run: a call, or undefined for something else. */
  readonly interrupted: Set<string | undefined>;
  running: number;
}

/**
 * Remembers the answers of the calls whose task was interrupted by something else. LangGraph runs a task again from its start, and
 * a ToolNode has all calls of a step in one task, if the graph does not make a task for each. In the process that was interrupted, such
 * a call is then not made again. In another process it is.
 */
export class InterruptedSteps {
  /** The last run of each task, by thread, task and principal. */
  readonly #steps = new Map<string, Step>();
  /** The keys of those that were interrupted, the oldest first. */
  readonly #waiting = new Set<string>();
  readonly #ofRuns = new WeakMap<TaskAnswers, Step>();

  /**
   * Makes a call, or returns the answer that it had before its task was interrupted. `make` gets the number of equal calls before
   * this one in its task.
   */
  async during<T>(
    { configurable, principal }: RunOfCall,
    { id, name, args }: ToolCallToApprove,
    make: (occurrence: number) => Promise<T>,
  ): Promise<T> {
    const { thread_id, checkpoint_ns } = configurable;
    if (id === undefined || typeof thread_id !== 'string' || typeof checkpoint_ns !== 'string') return make(0);
    const run = TaskAnswers.of(configurable);
    // A model can give two calls the same id.
    const equal = canonicalJson([id, name, args]);
    const occurrence = run.occurrenceOf(equal);
    const call = JSON.stringify([equal, occurrence]);
    const key = JSON.stringify([thread_id, checkpoint_ns, principal]);
    const step = this.#ofRuns.get(run) ?? this.#begin(key, run);
    this.#steps.set(key, step);
    step.running += 1;
    const answer = (step.earlier.get(call) as Promise<T> | undefined) ?? make(occurrence);
    step.answers.set(call, answer);
    try {
      return await answer;
    } catch (error) {
      if (isGraphInterrupt(error instanceof StepUpRuleError ? error.thrown : error)) {
        step.answers.delete(call);
        step.interrupted.add(call);
      }
      throw error;
    } finally {
      step.running -= 1;
      if (step.running === 0 && this.#steps.get(key) === step) this.#ended(key, step);
    }
  }

  #begin(key: string, run: TaskAnswers): Step {
    const last = this.#steps.get(key);
    const earlier = new Map(last && last.interrupted.size > 0 ? last.answers : []);
    const step: Step = { earlier, answers: new Map(earlier), interrupted: new Set(), running: 0 };
    this.#ofRuns.set(run, step);
    run.onOtherInterrupt = () => {
      step.interrupted.add(undefined);
      if (step.running > 0 || (this.#steps.get(key) ?? step) !== step) return;
      this.#steps.set(key, step);
      this.#ended(key, step);
    };
    return step;
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
