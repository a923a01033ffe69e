-- Real files of Debian's and PyPI's packages against netCDF4 and h5py:  make check-samples
-- tools/sample_data.sh fetches them into data/samples; sample_data.tsv holds what netCDF4 says of every variable of
-- numbers (sample_data.py wrote it). Each is read whole: shape, missing elements, mean and standard deviation must be
-- equal, the last two to 2e-6 of the larger of both (f32 arithmetic of netCDF4 where attributes are f32). Then every
-- file is opened as fields, which may refuse it in one sentence.
local core = require "flexlab.core"
local inspect = require "flexlab.data.inspect"

local ROOT = "data/samples/"

local function near(got, expected, scale)
  if expected == "-" then return got ~= got end
  return math.abs(got - tonumber(expected)) <= 2e-6 * scale
end

-- What differs, or nil.
local function compare(container, v, row)
  local _, path, shape, mean, sd, missing = table.unpack(row)
  if not v then return "is not listed" end
  if table.concat(v.shape, ",") ~= shape then
    return ("shape %s, expected %s"):format(table.concat(v.shape, ","), shape)
  end
  local s, message = container:statistics(path)
  if not s then return message end
  if s.nan ~= tonumber(missing) then return ("%d missing, expected %s"):format(s.nan, missing) end
  local scale = math.max(math.abs(tonumber(mean) or 0), tonumber(sd) or 0, 1e-300)
  if not near(s.mean, mean, scale) then return ("mean %.10g, expected %s"):format(s.mean, mean) end
  if not near(s.std, sd, scale) then return ("sd %.10g, expected %s"):format(s.std, sd) end
end

local rows, files, order = {}, {}, {}   -- files: rows by name
for line in io.lines "tests/oracle/sample_data.tsv" do
  local row = {}
  for cell in line:gmatch "[^\t]+" do row[#row + 1] = cell end
  if row[1] ~= "file" then
    rows[#rows + 1] = row
    if not files[row[1]] then files[row[1]], order[#order + 1] = {}, row[1] end
    table.insert(files[row[1]], row)
  end
end

local wrong, fields, refused, absent = 0, 0, 0, 0
for _, name in ipairs(order) do
  local container, message = core.io.container(ROOT .. name)
  local known = {}
  for _, v in ipairs(container and container:variables() or {}) do known[v.path] = v end
  local there = core.sys.exists(ROOT .. name) == "file"
  if not there then absent = absent + 1 end
  for _, row in ipairs(there and files[name] or {}) do
    local what = container and compare(container, known[row[2]], row) or not container and message
    if what then
      wrong = wrong + 1
      print(("WRONG %s '%s': %s"):format(name, row[2], what))
    end
  end
  if container then
    container:close()
    local report = inspect.report(ROOT .. name, { statistics = false })
    fields, refused = fields + (report.frames and 1 or 0), refused + (report.frames and 0 or 1)
    print(("%-50s %s"):format(name, report.frames and ("%d frames of %dx%d, %s"):format(report.frames, report.height,
      report.width, table.concat(report.channels, " "):sub(1, 60)) or report.warnings[1]:sub(1, 120)))
  end
end
print(("%d variables of %d files, %d wrong; %d opened as fields, %d refused in a sentence, %d absent"):format(#rows,
  #order, wrong, fields, refused, absent))
os.exit(wrong == 0 and 0 or 1)
