import { CredenceError } from '@credence/core';
import { scopesNotIn } from '@credence/protocol';
import { z } from 'zod';
import { canonicalJson } from './canonical-json.ts';
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
  /** Identifies the question: by the thread, the task of LangGraph, the call, and the number of the question in the call. */
  readonly question: string;
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
  question: z.string(),
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

/** The answer to a step-up in a value. Undefined for any other value. */
export function answerIn(value: unknown): StepUpAnswer | undefined {
  const parsed = answered.safeParse(value);
  return parsed.success ? { ...withoutUndefined(parsed.data), approved: parsed.data.approved } : undefined;
}

/** Whether an answer is to exactly this question. Its principal is compared elsewhere. */
export function isAnswerTo(answer: StepUpAnswer, { question, server, scopes, call }: StepUpInterrupt): boolean {
  const isExact = scopesNotIn(scopes, answer.scopes).length === 0 && scopesNotIn(answer.scopes, scopes).length === 0;
  return answer.question === question && answer.server === server && isExact && isSameCall(answer.call, call);
}

/** Whether two calls are equal as JSON. */
export function isSameCall(
  one: StepUpInterrupt['call'],
  { id, name, args }: Pick<ToolCallToApprove, 'name' | 'args'> & { readonly id?: string | undefined },
): boolean {
  return one.id === id && one.name === name && canonicalJson(one.args) === canonicalJson(args);
}

function withoutUndefined({ principal, call: { id, ...call }, ...rest }: z.output<typeof request>): StepUpInterrupt {
  return {
    ...rest,
    ...(principal !== undefined && { principal }),
    call: { ...call, ...(id !== undefined && { id }) },
  };
}
