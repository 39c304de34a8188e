# SPDX-License-Identifier: Apache-2.0
"""Query jobs: one statement, or a script of several (standard-sql/procedural-language, docs/multi-statement-queries).

A script's statements run one after the other, each as a child job. Transactions: docs/transactions; sessions:
docs/sessions-intro; system variables: standard-sql/system-variables.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from standin.catalog import DatasetRef, TableRef
from standin.errors import ApiError, invalid, not_implemented
from standin.jobs.query import QueryResults
from standin.sql import analyzer, coercion, engine, parameters, sqltypes
from standin.sql.context import Context
from standin.sql.nodes import Node
from standin.sql.results import StatementResult
from standin.sql.sqltypes import SqlType

_PROCEDURAL = {
    "VariableDeclaration", "SingleAssignment", "AssignmentFromStruct", "SystemVariableAssignment", "IfStatement",
    "CaseStatement", "WhileStatement", "RepeatStatement", "ForInStatement", "BeginEndBlock", "BreakStatement",
    "ContinueStatement", "ReturnStatement", "RaiseStatement", "ExecuteImmediateStatement", "BeginStatement",
    "CommitStatement", "RollbackStatement", "CallStatement",
}  # fmt: skip
_TRANSACTIONS = {
    "BeginStatement": "BEGIN_TRANSACTION",
    "CommitStatement": "COMMIT_TRANSACTION",
    "RollbackStatement": "ROLLBACK_TRANSACTION",
}
ONLY_SCRIPTS = "Transaction control statements are supported only in scripts or sessions"


class Session:
    """What outlives a job in a session: temporary tables, variables, the open transaction."""

    def __init__(self, identity: Any):
        self.identity = identity
        self.temporary: dict[str, TableRef] = {}
        self.variables: dict[str, tuple[SqlType, Any]] = {}
        self.transaction: Any = None
        self.transaction_id: str | None = None


def _sessions(app: Any) -> dict[str, Session]:
    return app.jobs.__dict__.setdefault("sessions", {})


# --- the job -------------------------------------------------------------------------------------


def run(app: Any, job: Any) -> None:
    """Run a query job: sets its results and statistics."""
    query = job.configuration["query"]
    context = _context(app, job, query)
    session, session_id = _session(app, job, query)
    if session is not None:
        context.allows_temporary = True
        context.temporary, context.variables = session.temporary, session.variables
        context.transaction, context.transaction_id = session.transaction, session.transaction_id
        context.system_variables[("session_id",)] = session_id
        job.statistics["sessionInfo"] = {"sessionId": session_id}
    try:
        Runner(app, job, context, session is not None).run()
    finally:
        if session is not None:
            session.transaction, session.transaction_id = context.transaction, context.transaction_id
        elif context.transaction is not None:
            context.transaction.rollback()
            context.transaction = None


def _context(app: Any, job: Any, query: dict[str, Any]) -> Context:
    default = query.get("defaultDataset")
    dataset = None if not default else DatasetRef(default.get("projectId") or job.project, default["datasetId"])
    limit = query.get("maximumBytesBilled")
    now = (job.started_ms or app.clock.now_ms()) * 1000
    return Context(
        app, job.identity, job.project, job.location, job.id,
        default_dataset=dataset,
        scope_parameters=parameters.parse(query),
        now_micros=now,
        dry_run=bool(job.configuration.get("dryRun")),
        maximum_bytes_billed=None if limit is None else int(limit),
        system_variables={
            ("current_job_id",): job.id, ("script", "job_id"): job.id, ("project_id",): job.project,
            ("location",): job.location, ("row_count",): None, ("last_job_id",): None, ("session_id",): None,
            ("time_zone",): "UTC", ("dataset_project_id",): job.project, ("query_label",): None,
            ("dataset_id",): None if dataset is None else dataset.dataset,
            ("script", "creation_time"): job.created_ms * 1000, ("script", "bytes_processed"): 0,
            ("script", "bytes_billed"): 0, ("script", "num_child_jobs"): 0, ("script", "slot_ms"): 0,
            ("error", "message"): None, ("error", "statement_text"): None,
        },
    )  # fmt: skip


def _session(app: Any, job: Any, query: dict[str, Any]) -> tuple[Session | None, str | None]:
    properties = {item.get("key"): item.get("value") for item in query.get("connectionProperties") or []}
    for name, value in properties.items():
        if name == "time_zone" and value in ("UTC", "Etc/UTC"):
            continue
        if name not in ("session_id", "dataset_project_id", "query_label"):
            raise not_implemented(f"the connection property {name}")
    if query.get("createSession"):
        session_id = uuid.uuid4().hex
        _sessions(app)[session_id] = Session(job.identity)
        return _sessions(app)[session_id], session_id
    session_id = properties.get("session_id")
    if session_id is None:
        return None, None
    found = _sessions(app).get(session_id)
    if found is None:
        raise ApiError("notFound", f"Not found: Session {session_id}")
    if found.identity.email != job.identity.email:
        raise ApiError("accessDenied", f"Access Denied: Session {session_id} belongs to another user")
    return found, session_id


def location_of(app: Any, query: dict[str, Any]) -> str | None:
    """The location of the first dataset that the query names and that is there."""
    default = query.get("defaultDataset") or {}
    for node in analyzer.parse_script(query["query"]).walk():
        if node.kind != "PathExpression":
            continue
        parts = ".".join(name.id_string for name in node.names).split(".")
        projects = [default.get("projectId")] if default.get("projectId") else []
        candidates = [DatasetRef(parts[0], parts[1])] if len(parts) > 1 else []
        candidates += [DatasetRef(project, parts[0]) for project in projects]
        candidates += [item.ref for item in app.catalog.all_datasets() if item.ref.dataset == parts[0]]
        for ref in candidates:
            dataset = app.catalog.find_dataset(ref)
            if dataset is not None:
                return dataset.location
        for part in parts:
            region = re.fullmatch(r"region-(.+)", part, re.IGNORECASE)
            if region:
                return region.group(1)
    return None


# --- control flow --------------------------------------------------------------------------------


class _Jump(Exception):
    """BREAK, CONTINUE or RETURN on its way up."""

    def __init__(self, kind: str, label: str | None = None):
        super().__init__(kind)
        self.kind = kind
        self.label = label


class Runner:
    """Runs the statements of one job."""

    def __init__(self, app: Any, job: Any, context: Context, in_session: bool):
        self.app = app
        self.job = job
        self.context = context
        self.in_session = in_session
        self.last: StatementResult | None = None
        self.failed_in_transaction = False
        self.is_script = False
        self.total_bytes = 0
        self.total_billed = 0
        self._source = b""
        self._errors: list[ApiError] = []
        self._frames: list[str] = []

    def run(self) -> None:
        """The whole job."""
        text = self.job.configuration["query"]["query"]
        script = analyzer.parse_script(text)
        statements = script.statement_list_node.statement_list
        if not statements:
            raise ApiError("invalidQuery", "Syntax error: Unexpected end of statement", location="query")
        self._source = text.encode()
        single = len(statements) == 1 and statements[0].kind not in _PROCEDURAL - set(_TRANSACTIONS)
        if single and (self.in_session or statements[0].kind not in _TRANSACTIONS):
            self._single(statements[0])
            return
        if single:
            raise ApiError("invalidQuery", ONLY_SCRIPTS, location="query")
        self.is_script = True
        self.context.allows_temporary = True
        if self.context.dry_run:
            details = {"statementType": "SCRIPT", "totalBytesProcessed": "0"}
            self.job.statistics.update(totalBytesProcessed="0", query=details)
            self.job.results = QueryResults(engine.Schema())
            return
        if self.job.configuration["query"].get("destinationTable"):
            raise invalid("Cannot set destination table in jobs with DDL, DML or script statements")
        try:
            self._run_list(script.statement_list_node)
        except _Jump as jump:
            if jump.kind != "RETURN":
                raise ApiError("invalidQuery", f"{jump.kind} is only allowed inside of a loop", location="query") from None
        self._finish_script()

    def _single(self, statement: Node) -> None:
        job = self.job
        if statement.kind in _TRANSACTIONS:
            self._transaction(statement)
            job.statistics["query"] = {"statementType": _TRANSACTIONS[statement.kind], "totalBytesProcessed": "0"}
            job.results = QueryResults(engine.Schema())
            return
        result = self._execute(self._placed(statement), statement.kind, self._destination())
        fill(job, self.context, result)

    def _destination(self) -> engine.Destination | None:
        query = self.job.configuration["query"]
        target = query.get("destinationTable")
        if not target or self.context.dry_run:
            return None
        names = {
            "timePartitioning": "timePartitioning",
            "rangePartitioning": "rangePartitioning",
            "clustering": "clustering",
            "destinationEncryptionConfiguration": "encryptionConfiguration",
        }
        body = {theirs: query[mine] for mine, theirs in names.items() if query.get(mine)}
        if "$" in target["tableId"]:
            raise not_implemented("a partition decorator in the destinationTable of a query job")
        return engine.Destination(
            TableRef(target.get("projectId") or self.job.project, target["datasetId"], target["tableId"]),
            query.get("createDisposition") or "CREATE_IF_NEEDED",
            query.get("writeDisposition") or "WRITE_EMPTY",
            body,
            tuple(query.get("schemaUpdateOptions") or ()),
        )

    # --- text ---

    def _text(self, node: Node) -> str:
        start, end = node.location()
        return self._source[start:end].decode()

    def _placed(self, node: Node) -> str:
        """The node's text, after blanks that keep its line and column for error messages."""
        start, _ = node.location()
        before = self._source[:start].decode()
        return re.sub(r"[^\n]", " ", before) + self._text(node)

    # --- statements ---

    def _run_list(self, node: Node | None) -> None:
        for statement in node.statement_list if node is not None else []:
            self.job.check_cancelled()
            self._run(statement)

    def _run(self, node: Node) -> None:
        handler = getattr(self, f"_{node.kind}", None)
        if handler is not None:
            handler(node)
            return
        if node.kind in _PROCEDURAL:
            raise not_implemented(f"the procedural statement {node.kind}")
        self._statement(self._placed(node), self._text(node), node.kind, node)

    def _execute(self, sql: str, kind: str, destination: engine.Destination | None = None) -> StatementResult:
        self.context.referenced = {}
        self.context.now_micros = self.app.clock.now_ms() * 1000
        if self.failed_in_transaction and self.context.transaction is not None:
            return self._beside_transaction(sql, lambda: engine.execute(self.context, sql, kind, destination))
        try:
            return engine.execute(self.context, sql, kind, destination)
        except ApiError:
            self.failed_in_transaction = self.context.transaction is not None
            raise

    def _beside_transaction(self, sql: str, work: Callable[[], Any]) -> Any:
        """After an error DuckDB takes nothing more in a transaction; what needs no table can still be said."""
        if analyzer.table_names(sql):
            raise not_implemented("going on with a transaction after one of its statements has failed")
        transaction, self.context.transaction = self.context.transaction, None
        try:
            return work()
        finally:
            self.context.transaction = transaction

    def _statement(self, sql: str, shown: str, kind: str, node: Node | None) -> StatementResult:
        """One SQL statement of a script, as a child job."""
        configuration: dict[str, Any] = {"query": {"query": shown, "useLegacySql": False}}
        if self.job.configuration.get("labels"):
            configuration["labels"] = self.job.configuration["labels"]
        try:
            result = self._execute(sql, kind)
        except ApiError as error:
            child = self.app.jobs.add_child(self.job, configuration, self._frame(node, "STATEMENT"), error)
            self._after_child(child)
            self.context.system_variables[("error", "statement_text")] = shown
            raise
        child = self.app.jobs.add_child(self.job, configuration, self._frame(node, "STATEMENT"))
        fill(child, self.context, result)
        self.total_bytes += result.bytes_processed
        self.total_billed += result.bytes_billed
        self.last = result
        self._after_child(child)
        counted = result.dml.affected if result.dml is not None else None
        self.context.system_variables[("row_count",)] = counted
        return result

    def _after_child(self, child: Any) -> None:
        variables = self.context.system_variables
        variables[("last_job_id",)] = child.id
        variables[("script", "num_child_jobs")] = len(self.job.children)
        variables[("script", "bytes_processed")] = self.total_bytes
        variables[("script", "bytes_billed")] = self.total_billed

    def _frame(self, node: Node | None, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = {"scriptStatistics": {"evaluationKind": kind, "stackFrames": []}}
        if node is not None and node.location():
            start, end = node.location()
            frame = {"text": self._source[start:end].decode()[:500]}
            for name, place in (("start", start), ("end", end)):
                before = self._source[:place].decode()
                frame[f"{name}Line"] = before.count("\n") + 1
                frame[f"{name}Column"] = len(before) - (before.rfind("\n") + 1) + 1
            found["scriptStatistics"]["stackFrames"].append(frame)
        if self.context.transaction_id is not None:
            found["transactionInfo"] = {"transactionId": self.context.transaction_id}
        return found

    def _finish_script(self) -> None:
        job = self.job
        if self.context.transaction is not None and not self.in_session:
            self.context.transaction.rollback()
            self.context.transaction = None
        details = {
            "statementType": "SCRIPT",
            "totalBytesProcessed": str(self.total_bytes),
            "totalBytesBilled": str(self.total_billed),
            "cacheHit": False,
        }
        job.statistics.update(totalBytesProcessed=str(self.total_bytes), query=details)
        last = self.last
        if last is None:
            job.results = QueryResults(engine.Schema())
            return
        job.results = results_of(last)
        if last.dml is not None:
            details["numDmlAffectedRows"] = str(last.dml.affected)

    # --- variables ---

    def _VariableDeclaration(self, node: Node) -> None:
        names = [item.id_string for item in node.variable_list.identifier_list]
        default = node.default_value
        if node.type is not None:
            kind = self._declared_type(self._text(node.type))
            value = None if default is None else self._coerced(self._text(default), kind, default)
        else:
            kind, value = self._value(self._text(default), default)
        for name in names:
            if any(name.lower() == known.lower() for known in self.context.variables):
                raise ApiError("invalidQuery", f"Variable '{name}' redeclaration", location="query")
            self.context.variables[name] = (kind, value)

    def _declared_type(self, text: str) -> SqlType:
        if re.search(r"\(\s*\d", text):
            raise not_implemented(f"a variable of the parameterized type {text}")
        node = analyzer.analyze_expression(f"CAST(NULL AS {text})", analyzer.Scope(resolve=lambda path: None))
        return sqltypes.from_proto(node.type)

    def _value(self, text: str, node: Node | None = None) -> tuple[SqlType, Any]:
        """Type and value of an expression, which may hold subqueries."""
        analyzed, expression = self._analyzed(text, node)
        return sqltypes.from_proto(expression.type), self._evaluate(analyzed, expression)

    def _analyzed(self, text: str, node: Node | None) -> tuple[Any, Node]:
        sql = f"SELECT ({text})"
        if node is not None and node.location():
            before = self._source[: node.location()[0]].decode()
            blanks = re.sub(r"[^\n]", " ", before)
            sql = f"SELECT (\n{text})" if len(blanks) < 8 else f"SELECT ({blanks[8:]}{text})"
        analyzed = self.context.analyze(sql)
        scan = analyzed.statement.query
        if scan.kind != "ProjectScan" or scan.input_scan.kind != "SingleRowScan" or len(scan.expr_list) != 1:
            raise not_implemented(f"the expression {text}")
        return analyzed, scan.expr_list[0].expr

    def _evaluate(self, analyzed: Any, expression: Node) -> Any:
        self.context.now_micros = self.app.clock.now_ms() * 1000
        if self.failed_in_transaction and self.context.transaction is not None and not analyzed.relations:
            return self._beside_transaction("SELECT 1", lambda: engine.evaluate(self.context, expression, analyzed))
        try:
            return engine.evaluate(self.context, expression, analyzed)
        except ApiError:
            self.failed_in_transaction = self.context.transaction is not None
            raise

    def _coerced(self, text: str, kind: SqlType, node: Node | None = None) -> Any:
        """The value of an expression for a variable of a type, by the rules of coercion."""
        analyzed, expression = self._analyzed(text, node)
        found = sqltypes.from_proto(expression.type)
        if found == kind:
            return self._evaluate(analyzed, expression)
        if not coercion.literal_coercible(expression, kind):
            raise ApiError(
                "invalidQuery", f"Cannot coerce expression {text} to type {kind}: it has type {found}", location="query"
            )
        return self._value(f"CAST(({text}) AS {analyzer.type_name(kind)})")[1]

    def _variable(self, name: str) -> str:
        for known in self.context.variables:
            if known.lower() == name.lower():
                return known
        raise ApiError("invalidQuery", f"Undeclared variable: {name}", location="query")

    def _SingleAssignment(self, node: Node) -> None:
        name = self._variable(node.variable.id_string)
        kind = self.context.variables[name][0]
        self.context.variables[name] = (kind, self._coerced(self._text(node.expression), kind, node.expression))

    def _AssignmentFromStruct(self, node: Node) -> None:
        names = [self._variable(item.id_string) for item in node.variables.identifier_list]
        kind, value = self._value(self._text(node.struct_expression), node.struct_expression)
        if kind.kind != "STRUCT" or len(kind.fields) != len(names):
            raise ApiError(
                "invalidQuery", f"Number of fields in the STRUCT does not match the {len(names)} variables", location="query"
            )
        if value is None:
            value = (None,) * len(names)
        self._assign(names, [field for _, field in kind.fields], list(value))

    def _assign(self, names: list[str], kinds: list[SqlType], values: list[Any]) -> None:
        for name, found, value in zip(names, kinds, values, strict=True):
            kind = self.context.variables[name][0]
            if found != kind and value is not None:
                text = analyzer.type_name(kind)
                if not coercion.coercible(found, kind):
                    raise ApiError(
                        "invalidQuery", f"Cannot assign a {found} to variable {name} of type {kind}", location="query"
                    )
                value = self._cast(found, value, text)
            self.context.variables[name] = (kind, value)

    def _cast(self, found: SqlType, value: Any, text: str) -> Any:
        scope = analyzer.Scope(resolve=lambda path: None, named={"v": (found, value)})
        node = analyzer.analyze_expression(f"CAST(@v AS {text})", scope)
        fake = analyzer.Analyzed(node, {}, scope)
        return engine.evaluate(self.context, node, fake)

    def _SystemVariableAssignment(self, node: Node) -> None:
        text = self._text(node.system_variable).removeprefix("@@").lower()
        _, value = self._value(self._text(node.expression), node.expression)
        if text == "dataset_id":
            project = self.context.default_dataset.project if self.context.default_dataset else self.context.project
            self.context.default_dataset = DatasetRef(project, value)
            self.context.system_variables[("dataset_id",)] = value
        elif text == "query_label":
            self.context.system_variables[("query_label",)] = value
        elif text == "time_zone" and value in ("UTC", "Etc/UTC"):
            pass
        else:
            raise not_implemented(f"SET @@{text}")

    # --- branches and loops ---

    def _condition(self, node: Node, what: str) -> bool:
        kind, value = self._value(self._text(node), node)
        if kind.kind != "BOOL":
            raise ApiError("invalidQuery", f"{what} condition must be of type BOOL, it is {kind}", location="query")
        return value is True

    def _IfStatement(self, node: Node) -> None:
        if self._condition(node.condition, "IF"):
            self._run_list(node.then_list)
            return
        clauses = node.elseif_clauses.elseif_clauses if node.elseif_clauses is not None else []
        for clause in clauses:
            if self._condition(clause.condition, "ELSEIF"):
                self._run_list(clause.body)
                return
        self._run_list(node.else_list)

    def _CaseStatement(self, node: Node) -> None:
        searched = None if node.expression is None else self._text(node.expression)
        for clause in node.when_then_clauses.when_then_clauses:
            text = self._text(clause.condition)
            test = text if searched is None else f"({searched}) = ({text})"
            if self._value(test)[1] is True:
                self._run_list(clause.body)
                return
        self._run_list(node.else_list)

    def _loop(self, node: Node, go_on: Callable[[], bool], before: bool) -> None:
        label = node.label.name.id_string.lower() if node.label is not None else None
        while True:
            self.job.check_cancelled()
            if before and not go_on():
                return
            try:
                self._run_list(node.body)
            except _Jump as jump:
                if jump.kind == "RETURN" or jump.label not in (None, label):
                    raise
                if jump.kind == "BREAK":
                    return
            if not before and not go_on():
                return

    def _WhileStatement(self, node: Node) -> None:
        condition = node.condition
        self._loop(node, (lambda: True) if condition is None else (lambda: self._condition(condition, "WHILE")), True)

    def _RepeatStatement(self, node: Node) -> None:
        self._loop(node, lambda: not self._condition(node.until_clause.condition, "UNTIL"), False)

    def _ForInStatement(self, node: Node) -> None:
        name = node.variable.id_string
        kind, rows = self._value(f"ARRAY(SELECT AS STRUCT * FROM ({self._text(node.query)}))")
        pending = iter(rows)

        def advance() -> bool:
            row = next(pending, None)
            if row is None:
                return False
            self.context.variables[name] = (kind.element, row)
            return True

        if any(name.lower() == known.lower() for known in self.context.variables):
            raise ApiError("invalidQuery", f"Variable '{name}' redeclaration", location="query")
        try:
            self._loop(node, advance, True)
        finally:
            self.context.variables.pop(name, None)

    def _BreakStatement(self, node: Node) -> None:
        raise _Jump("BREAK", node.label.name.id_string.lower() if node.label is not None else None)

    def _ContinueStatement(self, node: Node) -> None:
        raise _Jump("CONTINUE", node.label.name.id_string.lower() if node.label is not None else None)

    def _ReturnStatement(self, node: Node) -> None:
        raise _Jump("RETURN")

    # --- blocks and errors ---

    def _BeginEndBlock(self, node: Node) -> None:
        label = node.label.name.id_string.lower() if node.label is not None else None
        outside = set(self.context.variables)
        try:
            self._block(node)
        except _Jump as jump:
            if jump.kind != "BREAK" or label is None or jump.label != label:
                raise
        finally:
            for name in set(self.context.variables) - outside:
                del self.context.variables[name]

    def _block(self, node: Node) -> None:
        handlers = node.handler_list.exception_handler_list if node.handler_list is not None else []
        if not handlers:
            self._run_list(node.statement_list_node)
            return
        try:
            self._run_list(node.statement_list_node)
        except ApiError as error:
            if error.reason in ("notImplemented", "internalError", "stopped"):
                raise
            saved = {name: self.context.system_variables.get(name) for name in [("error", "message")]}
            self.context.system_variables[("error", "message")] = error.message
            self._errors.append(error)
            try:
                self._run_list(handlers[0].statement_list)
            finally:
                self._errors.pop()
                self.context.system_variables.update(saved)

    def _RaiseStatement(self, node: Node) -> None:
        message = node.field("message")
        if message is None:
            if not self._errors:
                raise ApiError("invalidQuery", "Cannot re-raise an existing exception outside of an exception handler",
                               location="query")  # fmt: skip
            raise self._errors[-1]
        _, text = self._value(self._text(message), message)
        raise ApiError("invalidQuery", str(text), location="query")

    # --- dynamic SQL ---

    def _ExecuteImmediateStatement(self, node: Node) -> None:
        """standard-sql/procedural-language#execute_immediate"""
        _, sql = self._value(self._text(node.sql), node.sql)
        if sql is None:
            raise ApiError("invalidQuery", "SQL string for EXECUTE IMMEDIATE is NULL", location="query")
        saved, saved_source = self.context.scope_parameters, self._source
        saved_variables = self.context.variables
        arguments = node.using_clause.arguments if node.using_clause is not None else []
        named: dict[str, tuple[SqlType, Any]] = {}
        positional: list[tuple[SqlType, Any]] = []
        for argument in arguments:
            value = self._value(self._text(argument.expression), argument.expression)
            if argument.alias is not None:
                named[argument.alias.identifier.id_string.lower()] = value
            else:
                positional.append(value)
        mode = "POSITIONAL" if positional else "NAMED"
        self.context.scope_parameters = {"named": named, "positional": positional, "parameter_mode": mode}
        self.context.variables = {}
        try:
            inner = analyzer.parse_script(sql).statement_list_node.statement_list
            if len(inner) != 1 or inner[0].kind in _PROCEDURAL - set(_TRANSACTIONS):
                raise ApiError(
                    "invalidQuery", "SQL created for EXECUTE IMMEDIATE must contain one statement", location="query"
                )
            self._source = sql.encode()
            if inner[0].kind in _TRANSACTIONS:
                raise ApiError("invalidQuery", "Transaction control in EXECUTE IMMEDIATE is not supported", location="query")
            result = self._statement(sql, sql, inner[0].kind, None)
        finally:
            self.context.scope_parameters, self._source = saved, saved_source
            self.context.variables = saved_variables
        if node.into_clause is not None:
            self._into(node, result)

    def _into(self, node: Node, result: StatementResult) -> None:
        names = [self._variable(item.id_string) for item in node.into_clause.identifiers.identifier_list]
        if result.table is None:
            raise ApiError("invalidQuery", "EXECUTE IMMEDIATE … INTO needs a query", location="query")
        from standin import physical
        from standin.sql import schemas

        cursor = self.app.catalog.cursor()
        rows = physical.fetch_rows(cursor, result.table.schema, result.table.source_sql, limit=2)
        cursor.close()
        if len(rows) > 1:
            raise ApiError("invalidQuery", "EXECUTE IMMEDIATE … INTO produced more than one row", location="query")
        if len(result.table.schema) != len(names):
            raise ApiError("invalidQuery", f"EXECUTE IMMEDIATE … INTO has {len(names)} variables for "
                           f"{len(result.table.schema)} columns", location="query")  # fmt: skip
        kinds = [schemas.type_of_field(item) for item in result.table.schema]
        self._assign(names, kinds, list(rows[0]) if rows else [None] * len(names))

    # --- transactions ---

    def _transaction(self, node: Node) -> None:
        context = self.context
        if node.kind == "BeginStatement":
            if context.transaction is not None:
                raise ApiError("invalidQuery", "Transaction is already in progress: nested transactions are not supported",
                               location="query")  # fmt: skip
            context.transaction = self.app.catalog.transaction(exclusive=False)
            context.transaction_id = uuid.uuid4().hex
            self.failed_in_transaction = False
            return
        if context.transaction is None:
            word = "COMMIT" if node.kind == "CommitStatement" else "ROLLBACK"
            text = f"There is no active transaction to {word.lower()}: {word} TRANSACTION"
            raise ApiError("invalidQuery", text, location="query")
        transaction, context.transaction, context.transaction_id = context.transaction, None, None
        if node.kind == "RollbackStatement" or self.failed_in_transaction:
            transaction.rollback()
        else:
            transaction.commit()
        if self.failed_in_transaction and node.kind == "CommitStatement":
            raise not_implemented("committing a transaction after one of its statements has failed")
        self.failed_in_transaction = False

    def _BeginStatement(self, node: Node) -> None:
        self._transaction(node)
        self._child_of_transaction(node)

    _CommitStatement = _RollbackStatement = _BeginStatement

    def _child_of_transaction(self, node: Node) -> None:
        text = self._text(node)
        child = self.app.jobs.add_child(
            self.job, {"query": {"query": text, "useLegacySql": False}}, self._frame(node, "STATEMENT")
        )
        child.statistics["query"] = {"statementType": _TRANSACTIONS[node.kind], "totalBytesProcessed": "0"}
        child.results = QueryResults(engine.Schema())
        self._after_child(child)


# --- statistics ----------------------------------------------------------------------------------


def results_of(result: StatementResult) -> QueryResults:
    """What getQueryResults gives out for a statement."""
    affected = None if result.dml is None else result.dml.affected
    return QueryResults(result.schema or engine.Schema(), result.table, affected)


def fill(job: Any, context: Context, result: StatementResult) -> None:
    """A job's results and JobStatistics2."""
    details: dict[str, Any] = {
        "statementType": result.statement_type,
        "totalBytesProcessed": str(result.bytes_processed),
        "totalBytesBilled": "0" if context.dry_run else str(result.bytes_billed),
        "totalSlotMs": str(max(0, context.app.clock.now_ms() - (job.started_ms or job.created_ms))),
        "cacheHit": False,
    }
    if context.dry_run:
        details["totalBytesProcessedAccuracy"] = "PRECISE"
    else:
        details["billingTier"] = 1
    if result.referenced:
        details["referencedTables"] = [ref.to_json() for ref in result.referenced if not ref.dataset.startswith("_")]
    if result.dml is not None:
        details["numDmlAffectedRows"] = str(result.dml.affected)
        details["dmlStats"] = result.dml.to_json()
    if result.ddl_operation is not None:
        details["ddlOperationPerformed"] = result.ddl_operation
    if result.ddl_table is not None:
        details["ddlTargetTable"] = result.ddl_table.to_json()
    if result.ddl_dataset is not None:
        details["ddlTargetDataset"] = result.ddl_dataset.to_json()
    if context.dry_run and result.schema is not None:
        details["schema"] = result.schema.to_json()
    details.update(result.statistics)
    job.statistics.update(totalBytesProcessed=str(result.bytes_processed), query=details)
    if result.table is not None:
        job.configuration["query"]["destinationTable"] = result.table.ref.to_json()
    job.results = results_of(result)


__all__ = ["Runner", "Session", "fill", "location_of", "run"]
