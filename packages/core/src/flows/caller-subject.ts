import { within } from '@credence/protocol';
import { callsGetter } from '../subjects/from-getter.ts';
import type { SubjectTokenSource, SubjectTokenTarget } from '../subjects/subject.ts';
import { type KnownSubjects, type SubjectOwner, subjectOfToken } from './known-subjects.ts';
import type { SubjectTokens } from './subject-tokens.ts';

const MAX_WAIT_MS = 10_000;

/** The token of a getter is sent to nobody here, and a getter does not ask for its target. */
const NOBODY: SubjectTokenTarget = {
  issuer: '',
  tokenEndpoint: () => Promise.reject(new Error('the token is not sent')),
};

/**
 * Compares the subject of the getter's token with the known one. A getter that fails shows nothing: the caller gets the token that was acquired
 * for all. Throws `subject_changed`.
 */
export async function checkSubjectOfGetter(
  source: SubjectTokenSource,
  { owner, tokens, known }: { owner: SubjectOwner; tokens: Pick<SubjectTokens, 'get'>; known: KnownSubjects },
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  if (!callsGetter(source)) return;
  const token = await within(MAX_WAIT_MS, tokens.get(source, NOBODY, signal)).catch(() => undefined);
  if (token) await known.check(owner, subjectOfToken(token.value));
}
