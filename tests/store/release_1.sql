-- What a site of release 1 had in its store, put into the schema that 0001 makes.
insert into sightings values ('left', 'customer', 'c1', '{"email":"a@b","money":1.50}', 'd1', 7, 'tok', 1, 2, 0,
    'ada', 3, 4, '{"email":[null,5]}');
insert into links values (41, 'contact', 'c1', 'r1', '{"email":[["a@b"],{"absent":[0],"values":[null]}]}', 'live',
    1, 5, 'match email');
insert into match_values values ('contact', 'left', 'c1', 0, 'value');
update counters set value = 90 where name = 'todo';
insert into todo values (90, 'contact', 'left', 'c1', 0, 6, 2, 'timed out');
insert into holds values (42, 'contact', 'left', 'c1', 'item', 'reference', 'what', 'why', 'fix', 'd2', 7, 'left',
    'item', 'i1', '{"left":[1]}');
insert into releases values ('contact', 'left', 'c1', 'email', 'value', 'd3', '"x"', 8);
insert into intents values (43, 'contact', 'left', 'c1', 'right', 'create', '', 'c1', '{"name":"Ada"}',
    '{"name":[["Ada"],null,["ADA"]]}', 'idem', 'chosen', 'marker', 41, 1, 2, 'tok', 3, 44, 'because', 9, 10, 11);
insert into cursors values ('left', 'customer', 'page 2');
insert into meta values ('setting', 'value');
insert into journal values (45, 12, 44, 'contact', 'right', 'r1', 'c1', 41, 'update', 'done', 'because',
    '[{"property":"name","old":null,"new":"ADA"}]', 'req');
insert into runs values (44, 'sync', 13, 14, 'done', '{"writes":1}');
update lease set holder = 'runner', epoch = 3, until_ms = 15;
