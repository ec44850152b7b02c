import {
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_ID_TOKEN,
  TOKEN_TYPE_JWT,
  TOKEN_TYPE_REFRESH_TOKEN,
} from '@credence/protocol';
import { idToken } from './id-token.ts';
import { ownAccessToken } from './own-access-token.ts';
import { refreshToken } from './refresh-token.ts';
import type { SubjectTokenVerifier } from './subject-token.ts';
import { workloadJwt } from './workload-jwt.ts';

/** The verifier of each accepted subject token type. For a new type, add a file and an entry here. */
export const subjectTokenVerifiers: ReadonlyMap<string, SubjectTokenVerifier> = new Map([
  [TOKEN_TYPE_ACCESS_TOKEN, ownAccessToken],
  [TOKEN_TYPE_ID_TOKEN, idToken],
  [TOKEN_TYPE_REFRESH_TOKEN, refreshToken],
  [TOKEN_TYPE_JWT, workloadJwt],
]);
