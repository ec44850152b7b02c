export type { AnswerEdit, FakeAnswer } from './answers/answer.ts';
export { answers } from './answers/answers.ts';
export { type FakeIdp, fakeIdp } from './fake-idp.ts';
export type { NextAnswer, NextOptions, RefusalDetails, Responder } from './hooks/next.ts';
export type { FakeRequest, ExpectedRequests } from './requests/request-log.ts';
export type { FakeClock } from './settings/clock.ts';
export type { FakeLeg, RequestFilter } from './settings/leg.ts';
export type {
  FakeCaller,
  FakeClient,
  FakeIdpOptions,
  FakeKey,
  FakeLifetimes,
  FakePrincipal,
  FakeServer,
  FakeTool,
  FakeToolHandler,
  RevokeRule,
  StandingRefusal,
} from './settings/options.ts';
