import { expect, it } from '@jest/globals';
import { StepUpByInterrupt } from './step-up-interrupt.ts';
import { type StepUpAnswer, stepUpAnswer, type StepUpInterrupt } from './step-up-question.ts';

const CALL = { name: 'wiki__write', args: { page: 1, tags: ['a'] }, id: 'c1' };

/** A run of a task of LangGraph: each interrupt gets the answer with its number, and the first one without an answer stops the task. */
function task(pending: StepUpInterrupt | undefined, answers: readonly unknown[]) {
  const asked: unknown[] = [];
  const checkpointer = {
    getTuple: async () =>
      Promise.resolve({ pendingWrites: pending ? [['t', '__interrupt__', { id: 'i', value: pending }]] : [] }),
  };
  const scratchpad = { interruptCounter: -1, resume: [...answers], consumeNullResume: () => undefined };
  const run = {
    principal: 'acme',
    configurable: {
      thread_id: '1',
      checkpoint_ns: 'tools:1',
      __pregel_checkpointer: checkpointer,
      __pregel_task_id: 't',
      __pregel_scratchpad: scratchpad,
      ...(answers.length > 0 && { __pregel_resume_map: { i: answers.at(-1) } }),
    },
    interrupt: (value: unknown): unknown => {
      scratchpad.interruptCounter += 1;
      if (scratchpad.interruptCounter < scratchpad.resume.length) return scratchpad.resume[scratchpad.interruptCounter];
      asked.push(value);
      throw new Error('interrupted');
    },
  };
  return { run, asked };
}

async function attempt(pending: StepUpInterrupt | undefined, answers: readonly unknown[], wanted: readonly string[][]) {
  const { run, asked } = task(pending, answers);
  const asking = new StepUpByInterrupt(CALL, run);
  const results: boolean[] = [];
  try {
    await asking.resume();
    for (const scopes of wanted) results.push(asking.approve({ server: 'wiki', scopes }));
  } catch (error) {
    if (!(error instanceof Error) || error.message !== 'interrupted') throw error;
  }
  return { results, refusal: asking.refusal?.code, question: asked[0] as StepUpInterrupt };
}

it('a call that is asked about twice takes each answer for its own question, in each attempt', async () => {
  const first = await attempt(undefined, [], [['w']]);
  const one = stepUpAnswer(first.question, true);
  const second = await attempt(first.question, [one], [['w'], ['admin']]);
  expect(second).toMatchObject({ results: [true], question: { scopes: ['admin'] } });
  expect(second.question.question).not.toBe(first.question.question);

  const two = stepUpAnswer(second.question, true);
  const done = await attempt(second.question, [one, two], [['w'], ['admin']]);
  expect(done).toMatchObject({ results: [true, true], refusal: undefined });
  for (const answers of [
    [one, one],
    [two, two],
    [two, one],
    [one, stepUpAnswer(second.question, false)],
  ]) {
    const refused = await attempt(second.question, answers, [['admin']]);
    expect(refused).toMatchObject({ results: [false], refusal: 'insufficient_scope' });
  }
});

it.each<[string, (answer: StepUpAnswer) => unknown]>([
  ['more scopes', (answer) => ({ ...answer, scopes: ['w', 'admin'] })],
  ['fewer scopes', (answer) => ({ ...answer, scopes: [] })],
  ['other arguments', (answer) => ({ ...answer, call: { ...answer.call, args: { page: 2, tags: ['a'] } } })],
  ['more arguments', (answer) => ({ ...answer, call: { ...answer.call, args: { ...answer.call.args, x: 1 } } })],
  ['another tool', (answer) => ({ ...answer, call: { ...answer.call, name: 'wiki__drop' } })],
  ['another call', (answer) => ({ ...answer, call: { ...answer.call, id: 'c2' } })],
  ['no id of the call', ({ call: { name, args }, ...answer }) => ({ ...answer, call: { name, args } })],
  ['another server', (answer) => ({ ...answer, server: 'other' })],
  ['another question', (answer) => ({ ...answer, question: 'x' })],
  ['no question', ({ question: _question, ...answer }) => answer],
  ['no answer', ({ approved: _approved, ...answer }) => answer],
  ['an answer that is a text', (answer) => ({ ...answer, approved: 'true' })],
  ['nothing else', () => true],
])('an answer with %s approves nothing', async (_what, edit) => {
  const { question } = await attempt(undefined, [], [['w']]);
  const answer = stepUpAnswer(question, true);
  for (const scopes of [['w'], ['admin']]) {
    expect(await attempt(question, [edit(answer)], [scopes])).toMatchObject({
      results: [false],
      refusal: 'insufficient_scope',
    });
  }
  // With the members in another order it is the same answer.
  const { tags, page } = CALL.args;
  const same = { ...answer, call: { id: 'c1', args: { tags, page }, name: CALL.name } };
  expect(await attempt(question, [same], [['w']])).toMatchObject({ results: [true], refusal: undefined });
});
