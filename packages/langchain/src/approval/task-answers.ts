import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { PendingInterrupt } from './pending-interrupts.ts';
import { answerIn, isAnswerTo, type StepUpAnswer, stepUpInterruptIn } from './step-up-question.ts';

/** Names of LangGraph in the config of a task, which `interrupt` of LangGraph reads there too. */
const SCRATCHPAD = '__pregel_scratchpad';
const RESUME_MAP = '__pregel_resume_map';
const SEND = '__pregel_send';
const TASK_ID = '__pregel_task_id';
/** The channel in which LangGraph keeps the answers of a task for its next run. */
const RESUME = '__resume__';

/** What LangGraph knows of the answers in one run of a task. A member `nullResume` is an answer that is not yet assigned. */
interface Scratchpad {
  interruptCounter: number;
  resume: unknown[];
  nullResume?: unknown;
  consumeNullResume(): unknown;
}

/** An answer as it is kept, with why it does not count. */
const verdict = z.object({ refused: z.enum(['other-answer', 'not-asked']).optional() });

export interface KeptAnswer extends StepUpAnswer {
  /** The run was resumed with something else than the answer to the question. */
  readonly refused?: 'other-answer' | undefined;
}

/**
 * The answers to the step-ups of one run of a task of LangGraph. LangGraph numbers the interrupts of a task in the order in time, and
 * gives the answers by number. The calls of a ToolNode are in one task, and their order differs from run to run. So an answer to a step-up
 * is found by the call that it names, and does not have a number: the interrupts of other tools are numbered as if it were not there.
 */
export class TaskAnswers {
  /** Calls this when code that is not Credence's interrupts the task. */
  onOtherInterrupt: (() => void) | undefined;
  readonly #configurable: Readonly<Record<string, unknown>>;
  readonly #pad: Scratchpad | undefined;
  /** The position of the answer by the id of the interrupt, if there is one. */
  readonly #last: number;
  readonly #calls = new Map<string, number>();
  #claimed: number | undefined;
  #isSettled = false;

  private constructor(configurable: Readonly<Record<string, unknown>>, pad: Scratchpad | undefined) {
    this.#configurable = configurable;
    this.#pad = pad;
    this.#last = (pad?.resume.length ?? 0) - 1;
    if (pad) this.#numberOthers(pad);
  }

  /** If the scratchpad of the task cannot be read, each object is new and knows no answers: every step-up is denied. */
  static of(configurable: Readonly<Record<string, unknown>>): TaskAnswers {
    const pad = configurable[SCRATCHPAD];
    if (!isScratchpad(pad)) return new TaskAnswers(configurable, undefined);
    const answers = ofPads.get(pad) ?? new TaskAnswers(configurable, pad);
    ofPads.set(pad, answers);
    return answers;
  }

  /** Takes the answer of this run if it names a call, before the interrupt of another tool can get it. */
  claim(names: (answer: StepUpAnswer) => boolean): void {
    const answer = answerIn(this.#pad?.nullResume);
    if (!this.#pad || !answer) return;
    // LangGraph can hand the last answer to a run that has another one, or none.
    const isRepeated = this.#pad.resume.some((kept) => isDeepStrictEqual(kept, this.#pad?.nullResume));
    if (isRepeated) this.#pad.consumeNullResume();
    else if (names(answer)) {
      this.#claimed = this.#pad.resume.push(this.#pad.consumeNullResume()) - 1;
      this.#keep(this.#pad);
    }
  }

  /** Assigns the answer of this run to the question that the task waits for. */
  settle(pending: readonly PendingInterrupt[]): void {
    const pad = this.#pad;
    if (!pad || this.#isSettled) return;
    this.#isSettled = true;
    const question = pending.find(({ task }) => task === this.#configurable[TASK_ID]);
    const at = question ? this.#positionOf(question, pending, pad) : this.#claimed;
    if (at !== undefined) pad.resume[at] = kept(pad.resume[at], stepUpInterruptIn(question?.value));
    this.#keep(pad);
  }

  /** Keeps all answers for the next run of the task. */
  #keep({ resume }: Scratchpad): void {
    const send = this.#configurable[SEND];
    if (resume.length > 0 && typeof send === 'function') send([[RESUME, resume]]);
  }

  /** The answer to a question. */
  to(question: string): KeptAnswer | undefined {
    for (const value of this.#pad?.resume ?? []) {
      const answer = answerIn(value);
      const refused = verdict.safeParse(value).data?.refused;
      if (answer?.question === question && refused !== 'not-asked') return { ...answer, ...(refused && { refused }) };
    }
    return undefined;
  }

  /** The number of equal calls before this one in this run of the task. */
  occurrenceOf(call: string): number {
    const before = this.#calls.get(call) ?? 0;
    this.#calls.set(call, before + 1);
    return before;
  }

  /** Interrupts the run with a question. */
  ask(interrupt: (value: unknown) => unknown, asked: unknown): void {
    if (!this.#pad) return void interrupt(asked);
    const { resume, nullResume } = this.#pad;
    const counter = this.#counter;
    // `interrupt` throws if it finds no answers. The answers that are there are not to this question.
    this.#pad.resume = [];
    delete this.#pad.nullResume;
    this.#isAsking = true;
    try {
      interrupt(asked);
    } finally {
      this.#isAsking = false;
      this.#counter = counter;
      this.#pad.resume = resume;
      if (nullResume !== undefined) this.#pad.nullResume = nullResume;
    }
  }

  #counter = -1;
  #isAsking = false;

  #numberOthers(pad: Scratchpad): void {
    this.#counter = pad.interruptCounter;
    Object.defineProperty(pad, 'interruptCounter', {
      enumerable: true,
      configurable: true,
      get: () => this.#counter,
      set: (next: number) => {
        this.#counter = next;
        while (answerIn(pad.resume[this.#counter])) this.#counter += 1;
        const hasAnswer = this.#counter < pad.resume.length || pad.nullResume !== undefined;
        if (!hasAnswer && !this.#isAsking) this.onOtherInterrupt?.();
      },
    });
  }

  #positionOf(question: PendingInterrupt, pending: readonly PendingInterrupt[], pad: Scratchpad): number | undefined {
    const byId = this.#configurable[RESUME_MAP];
    if (typeof byId === 'object' && byId !== null && question.id !== undefined && question.id in byId)
      return this.#last;
    if (this.#claimed !== undefined || pad.nullResume === undefined) return this.#claimed;
    const answer = answerIn(pad.nullResume);
    const isOfOtherTask = pending.some(({ task, value }) => {
      const asked = stepUpInterruptIn(value);
      return task !== question.task && (answer ? asked !== undefined && isAnswerTo(answer, asked) : !asked);
    });
    return isOfOtherTask ? undefined : pad.resume.push(pad.consumeNullResume()) - 1;
  }
}

const ofPads = new WeakMap<object, TaskAnswers>();

/** What is kept of an answer, so that the next run of the task knows what it was the answer to. */
function kept(value: unknown, asked: ReturnType<typeof stepUpInterruptIn>): unknown {
  const answer = answerIn(value);
  if (!asked) return answer ? { ...answer, refused: 'not-asked' } : value;
  if (value === false) return { ...asked, approved: false };
  return answer && isAnswerTo(answer, asked) ? value : { ...asked, approved: false, refused: 'other-answer' };
}

function isScratchpad(value: unknown): value is Scratchpad {
  return (
    typeof value === 'object' &&
    value !== null &&
    'interruptCounter' in value &&
    typeof value.interruptCounter === 'number' &&
    'resume' in value &&
    Array.isArray(value.resume) &&
    'consumeNullResume' in value &&
    typeof value.consumeNullResume === 'function'
  );
}
