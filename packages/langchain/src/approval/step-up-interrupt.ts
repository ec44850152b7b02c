import { CredenceError } from '@credence/core';
import { scopesNotIn } from '@credence/protocol';
import { z } from 'zod';
import { pendingInterrupts } from './pending-interrupts.ts';
import { type RunOfCall, wrongPrincipal } from './run-of-call.ts';
import type { StepUpRequest } from './step-up-approval.ts';
import type { ToolCallToApprove } from './tool-call.ts';

/** The value of the interrupt that asks whether a tool call may add scopes. It can be serialised as JSON, and contains no secret. */
export interface StepUpInterrupt {
  /** Identifies this kind of interrupt. */
  readonly type: 'credence-step-up';
  /** The key of the principal of the run. Absent for a run without one. */
  readonly principal?: string;
  /** The configured name of the server. */
  readonly server: string;
  /** The scopes to add. */
  readonly scopes: readonly string[];
  /** The tool call, with the arguments from the model. */
  readonly call: { readonly name: string; readonly args: Readonly<Record<string, unknown>>; readonly id?: string };
}

/** The answer to a {@link StepUpInterrupt}, with which the run is resumed. */
export interface StepUpAnswer extends StepUpInterrupt {
  /** Whether the scopes may be added. */
  readonly approved: boolean;
}

const request = z.object({
  type: z.literal('credence-step-up'),
  principal: z.string().optional(),
  server: z.string(),
  scopes: z.array(z.string()),
  call: z.object({ name: z.string(), args: z.record(z.string(), z.unknown()), id: z.string().optional() }),
});
const answered = request.extend({ approved: z.boolean() });

/** The interrupt of a step-up in a value of an interrupt. Undefined for any other interrupt. */
export function stepUpInterruptIn(value: unknown): StepUpInterrupt | undefined {
  const parsed = request.safeParse(value);
  return parsed.success ? withoutUndefined(parsed.data) : undefined;
}

/**
 * The answer to the interrupt of a step-up: `new Command({ resume: stepUpAnswer(interrupt.value, true) })`. It repeats what was asked,
 * so that it cannot approve another call or be used by another principal. Throws `invalid_configuration` for another kind of value.
 */
export function stepUpAnswer(value: unknown, approved: boolean): StepUpAnswer {
  const asked = stepUpInterruptIn(value);
  if (asked) return { ...asked, approved };
  throw new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: 'The first parameter of stepUpAnswer is not the value of an interrupt of a step-up.',
    remedy: 'Pass the value of the interrupt, as `__interrupt__` of the result of the run has it.',
    contact: 'you',
  });
}

/**
 * The approval of the step-ups of one tool call by interrupts of LangGraph. An interrupt ends the call. After the answer LangGraph runs
 * the call again, maybe in another process. Then the answer is taken before anything is sent.
 */
export class StepUpByInterrupt {
  /** Why the call was refused, if an answer refuses it. */
  refusal: CredenceError | undefined;
  readonly #call: ToolCallToApprove;
  readonly #run: RunOfCall;
  readonly #approved = new Set<string>();

  constructor(call: ToolCallToApprove, run: RunOfCall) {
    this.#call = call;
    this.#run = run;
  }

  /** If the call waits for an answer: takes the answer. Afterwards `refusal` is set if the call must not be made. */
  async resume(): Promise<void> {
    const waiting = (await pendingInterrupts(this.#run)).flatMap((value) => stepUpInterruptIn(value) ?? []);
    const asked = waiting.find((value) => isSameCall(value, this.#call));
    // A call of the same task, which LangGraph runs again with it, must not be made for another principal either.
    if (waiting.some(({ principal }) => principal !== this.#run.principal))
      this.refusal = wrongPrincipal(asked?.server);
    else if (asked) this.approve(asked);
  }

  /** Throws the interrupt if there is no answer yet. */
  readonly approve = ({ server, scopes }: StepUpRequest): boolean => {
    const { interrupt, principal } = this.#run;
    const { name, args, id } = this.#call;
    if (interrupt === undefined || id === undefined) return false;
    const asked: StepUpInterrupt = {
      type: 'credence-step-up',
      ...(principal !== undefined && { principal }),
      server,
      scopes,
      call: { name, args, id },
    };
    let lacking = scopesNotIn(scopes, [...this.#approved]);
    while (lacking.length > 0 && !this.refusal) {
      this.#take(interrupt(asked), asked);
      const next = scopesNotIn(scopes, [...this.#approved]);
      if (next.length === lacking.length) this.refusal ??= otherAnswer(server);
      lacking = next;
    }
    return !this.refusal;
  };

  #take(answer: unknown, { server, principal }: StepUpInterrupt): void {
    const parsed = answered.safeParse(answer);
    if (!parsed.success) {
      this.refusal = answer === false ? denied(server) : otherAnswer(server);
    } else if (parsed.data.principal !== principal) this.refusal = wrongPrincipal(server);
    else if (parsed.data.server !== server || !isSameCall(parsed.data, this.#call)) this.refusal = otherAnswer(server);
    else if (!parsed.data.approved) this.refusal = denied(server, parsed.data.scopes);
    else for (const scope of parsed.data.scopes) this.#approved.add(scope);
  }
}

function isSameCall({ call }: Pick<z.output<typeof request>, 'call'>, { name, id }: ToolCallToApprove): boolean {
  return call.id === id && call.name === name;
}

function denied(server: string, missingScopes?: readonly string[]): CredenceError {
  return notAdded(
    { server, missingScopes },
    `The call needs scopes that the bot does not have at server "${server}", and adding them was not approved.`,
    'Ask for the approval of these scopes, or do not make this call.',
  );
}

function otherAnswer(server: string): CredenceError {
  return notAdded(
    { server },
    `The run was resumed with a value that is not the answer to the step-up of this call at server "${server}".`,
    'Resume the run with stepUpAnswer(interrupt.value, true), one answer for each interrupt.',
  );
}

function notAdded(
  about: { server: string; missingScopes?: readonly string[] | undefined },
  message: string,
  remedy: string,
): CredenceError {
  return new CredenceError({ ...about, code: 'insufficient_scope', leg: 'call', message, remedy, contact: 'you' });
}

function withoutUndefined({ principal, call: { id, ...call }, ...rest }: z.output<typeof request>): StepUpInterrupt {
  return {
    ...rest,
    ...(principal !== undefined && { principal }),
    call: { ...call, ...(id !== undefined && { id }) },
  };
}
